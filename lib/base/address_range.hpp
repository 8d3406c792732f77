// IP addresses and ranges of them as plain values, without a port. Pure; resolves no names.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper {

// An address of either family in network byte order; IPv4 uses the first four bytes, the others are 0.
struct IpAddress {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const IpAddress&) const = default;
  [[nodiscard]] std::string text() const;  // "10.0.0.1", "2001:db8::1"
};

// A literal: no name, no zone, no brackets.
[[nodiscard]] Result<IpAddress> parse_address(std::string_view text);
// 127.0.0.0/8 and ::1.
[[nodiscard]] bool is_loopback(const IpAddress& address);

struct AddressRange {
  IpAddress first;
  IpAddress last;  // included, of the same family, not before first
  bool operator==(const AddressRange&) const = default;
  [[nodiscard]] bool contains(const IpAddress& address) const;
  // As parse_range() reads it: "10.0.0.1", else "10.0.0.0-10.255.255.255".
  [[nodiscard]] std::string text() const;
};

// "10.0.0.1", "10.0.0.0/8" (no bits may be set after the prefix) or "10.0.0.1-10.0.0.9".
[[nodiscard]] Result<AddressRange> parse_range(std::string_view text);

// The fewest blocks, each a power of two and aligned as in a CIDR, that together are the range; in order.
[[nodiscard]] std::vector<AddressRange> cidr_blocks(const AddressRange& range);

}  // namespace turnkeeper
