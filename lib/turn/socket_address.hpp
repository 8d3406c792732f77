// An IP address and a port as a plain value: what STUN carries in its address attributes and what a transport connects
// to. Knows nothing of sockets beyond their address structure.
//
//   auto server = SocketAddress::parse("[2001:db8::1]:3478");
//   server->to_string();                                     // "[2001:db8::1]:3478"
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::turn {

class SocketAddress {
 public:
  enum class Family : std::uint8_t { ipv4 = 1, ipv6 = 2 };  // the values on the wire, RFC 8489 section 14.1

  // 0.0.0.0:0
  SocketAddress() = default;
  SocketAddress(const std::array<std::uint8_t, 4>& address, std::uint16_t port);
  SocketAddress(const std::array<std::uint8_t, 16>& address, std::uint16_t port);

  // "192.0.2.1:3478" or "[2001:db8::1]:3478". Names, scope ids and a missing port are errors.
  [[nodiscard]] static Result<SocketAddress> parse(std::string_view text);
  // An address by itself, "192.0.2.1" or "2001:db8::1" (also in brackets).
  [[nodiscard]] static Result<SocketAddress> from_ip(std::string_view address, std::uint16_t port);

  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  // 4 or 16 bytes in network order.
  [[nodiscard]] std::span<const std::uint8_t> ip() const;
  // RFC 5952 form, without brackets.
  [[nodiscard]] std::string ip_string() const;
  // "192.0.2.1:3478" or "[2001:db8::1]:3478".
  [[nodiscard]] std::string to_string() const;

  auto operator<=>(const SocketAddress&) const = default;

 private:
  Family family_ = Family::ipv4;
  std::array<std::uint8_t, 16> ip_{};  // IPv4 uses the first four; the rest stay zero, so that comparison works
  std::uint16_t port_ = 0;
};

}  // namespace turnkeeper::turn
