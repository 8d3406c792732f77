// The ICE endpoint of STUNner's authentication service (its api/stunner.yaml; checked with 0.17):
//   GET /ice?service=turn[&username=U][&ttl=S][&key=K][&iceTransportPolicy=all|public|relay]
//            [&namespace=N][&gateway=G][&listener=L][&public-addr=A]
//   {"iceServers":[{"username":"...","credential":"...","urls":["turn:..."]}],"iceTransportPolicy":"all"}
// Errors are a line of text. NAMESPACE/GATEWAY, or GATEWAY, may be one of our clusters and `listener` one of its
// regions. A `public-addr` is not put into the list: it holds addresses that were proven, and no others.
#pragma once

#include "monitor/shape/shape.hpp"

namespace turnkeeper::monitor {

[[nodiscard]] Shape stunner_shape();

}  // namespace turnkeeper::monitor
