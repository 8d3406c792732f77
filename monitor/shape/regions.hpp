// GET /v1/regions: where a client may ask for relays, and what it can measure to know which is near.
//   {"cluster":"demo","regions":[{"name":"eu","usable":true,"stun":"stun:192.0.2.1:3478"},{"name":"us","usable":false}]}
// A Binding to `stun` (RFC 8489) answers without a credential; the round trips go back as rtt=eu:31,us:120.
#pragma once

#include "monitor/shape/shape.hpp"

namespace turnkeeper::monitor {

// Own regions in the order of their cluster. `stun` is that of a usable relay whose UDP works, `usable` says whether
// there is any usable relay.
[[nodiscard]] http::Response regions_answer(const Cluster& cluster, const VerdictLookup& verdict_of,
                                            const ProofLookup& proof_of);

}  // namespace turnkeeper::monitor
