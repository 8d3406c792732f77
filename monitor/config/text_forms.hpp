// What may stand in flags and in monitor.yaml alike. Pure.
#pragma once

#include <string>
#include <string_view>

namespace turnkeeper::monitor {

// Whom to connect to: "host:port", "[2001:db8::1]:port".
[[nodiscard]] bool is_host_port(std::string_view text);

// Where to listen, as http::Server has it: "127.0.0.1:8480", "*:8480", "unix:/run/x.sock".
[[nodiscard]] bool is_listen_address(std::string_view text);

// A header's name that people use: RFC 9110's token, without what nobody has in one.
[[nodiscard]] bool is_header_name(std::string_view text);

}  // namespace turnkeeper::monitor
