// The page of examples/room, which `turnctl up` serves to browsers on this machine: a call to try a failover on.
#pragma once

#include "turnkeeper/http/message.hpp"
#include "turnkeeper/http/router.hpp"

namespace turnkeeper::cli {

// GET /room/ and what the page loads: room.css, room.js, client.js.
void add_room_page(http::Router& router);

// Does a page of this very server ask? Other pages that somebody has open reach a loopback port as well, even under a
// name of their own that they let point here (DNS rebinding): their Origin, or the Host they ask for, tells.
[[nodiscard]] bool asked_by_own_page(const http::Request& request);

}  // namespace turnkeeper::cli
