// Ranges of IP addresses, as coturn's denied-peer-ip and allowed-peer-ip take them. Pure; resolves no names.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::coturn {

// An address of either family in network byte order; IPv4 uses the first four bytes, the others are 0.
struct Address {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Address&) const = default;
  [[nodiscard]] std::string text() const;  // "10.0.0.1", "2001:db8::1"
};

// A literal: no name, no zone, no brackets.
[[nodiscard]] Result<Address> parse_address(std::string_view text);
// 127.0.0.0/8 and ::1.
[[nodiscard]] bool is_loopback(const Address& address);

struct AddressRange {
  Address first;
  Address last;  // included, of the same family, not before first
  bool operator==(const AddressRange&) const = default;
  [[nodiscard]] bool contains(const Address& address) const;
};

// "10.0.0.1", "10.0.0.0/8" (no bits may be set after the prefix) or "10.0.0.1-10.0.0.9".
[[nodiscard]] Result<AddressRange> parse_range(std::string_view text);

// The values of denied-peer-ip or allowed-peer-ip lines that every coturn reads as exactly this range. Two traps shape
// them:
//   - before 4.13 coturn compares IPv6 addresses byte by byte, each byte on its own: only blocks that are a power of
//   two
//     and aligned mean what they say, so an IPv6 range becomes such blocks;
//   - a range whose first address is :: covers every IPv4 address too, and one whose last is 0.0.0.0 or :: covers
//     everything: those two addresses are left out. coturn always refuses them as peers.
[[nodiscard]] std::vector<std::string> peer_ip_values(const AddressRange& range);

}  // namespace turnkeeper::coturn
