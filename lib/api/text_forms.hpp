// The forms that single texts of a TurnCluster must have. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::api {

// RFC 1035 section 2.3.1, in lower case: starts with a letter, since Services are named after it; at most 63
// characters.
[[nodiscard]] bool is_dns_label(std::string_view text);
// Lower-case labels with dots between them (RFC 1123): a host's name, or that of a Kubernetes object.
[[nodiscard]] bool is_dns_name(std::string_view text);
// The name of an entry of a Secret.
[[nodiscard]] bool is_secret_key(std::string_view text);
// "example.org/public-address": the key of a Kubernetes label or annotation.
[[nodiscard]] bool is_qualified_name(std::string_view text);
// Letters, digits, '.', '-' and '_': what needs no quoting in coturn's configuration or in a STUN attribute.
[[nodiscard]] bool is_realm(std::string_view text);
// No white space and not empty; the container runtime judges the rest.
[[nodiscard]] bool is_image(std::string_view text);
// "stun:host:port" (RFC 7064); the port may be left out, an IPv6 address is in brackets.
[[nodiscard]] bool is_stun_server(std::string_view text);
// "turn:host:port?transport=udp" or turns: (RFC 7065); port and transport may be left out.
[[nodiscard]] bool is_turn_server(std::string_view text);
// "https://host[:port][/path]", or http://.
[[nodiscard]] bool is_http_url(std::string_view text);
// A Kubernetes quantity: "500m", "1.5", "256Mi".
[[nodiscard]] bool is_quantity(std::string_view text);
// An amount of money: "45", "0.0125".
[[nodiscard]] bool is_amount(std::string_view text);
// ISO 4217: "USD".
[[nodiscard]] bool is_currency(std::string_view text);
// The addresses in a text that separates them by commas, blanks around them left out: one, or one IPv4 and one IPv6.
// An error says what is wrong with it.
[[nodiscard]] Result<std::vector<std::string>> addresses_of(std::string_view text);
// An address, a CIDR or "first-last", IPv4 or IPv6. The error says what is wrong with it.
[[nodiscard]] Result<void> check_peer(std::string_view text);
// "24h", "1h30m", "100ms": numbers with h, m, s or ms after each. The error says what is wrong with it.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// The shortest text that parse_duration reads back as the same: "1h30m", "100ms", "0s".
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);

}  // namespace turnkeeper::api
