// Where and how a client reaches a TURN server: a transport protocol and an address, what a URI becomes once resolved.
//
//   Endpoint endpoint{Protocol::tls, *SocketAddress::parse("192.0.2.1:5349")};
//   endpoint.to_string();                                                        // "tls 192.0.2.1:5349"
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "turnkeeper/turn/socket_address.hpp"

namespace turnkeeper::turn {

// Between client and server; what the relay speaks to peers is another matter. tls: over TCP; dtls: over UDP (RFC
// 7350).
enum class Protocol : std::uint8_t { udp, tcp, tls, dtls };

// "udp", "tcp", "tls", "dtls".
[[nodiscard]] std::string_view protocol_name(Protocol protocol);

struct Endpoint {
  Protocol protocol = Protocol::udp;
  SocketAddress address;

  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const Endpoint&) const = default;
};

}  // namespace turnkeeper::turn
