// What a request calls the server it talks to. Pure.
#pragma once

#include <string_view>

namespace turnkeeper::http {

// Is this Host header a name or address that leads to the client's own machine: localhost, 127.0.0.0/8 or ::1, with a
// port or without? A web page whose name was made to point at 127.0.0.1 (DNS rebinding) sends its own name instead.
[[nodiscard]] bool is_loopback_host(std::string_view host);

}  // namespace turnkeeper::http
