// A REST API For Access To TURN Services (draft-uberti-behave-turn-rest-00), what most TURN services and clients learnt
// first:
//   GET /?service=turn[&username=U][&key=K][&ttl=SECONDS]
//   {"username":"1795399051:U","password":"...","ttl":86400,"uris":["turn:...?transport=udp", ...]}
// "/turn" and "/turn/credentials" are the same; "/" without `service` is somebody else's page, so whoever owns "/"
// calls is_turn_rest(). The draft leaves errors open: they are ours.
#pragma once

#include "monitor/shape/shape.hpp"

namespace turnkeeper::monitor {

[[nodiscard]] Shape turn_rest_shape();
[[nodiscard]] bool is_turn_rest(const http::Request& request);

}  // namespace turnkeeper::monitor
