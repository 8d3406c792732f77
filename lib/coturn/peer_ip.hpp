// How coturn must be told a range of addresses. Pure.
#pragma once

#include <string>
#include <vector>

#include "turnkeeper/base/address_range.hpp"

namespace turnkeeper::coturn {

// The values of denied-peer-ip or allowed-peer-ip lines that every coturn reads as exactly this range. Two traps shape
// them:
//   - before 4.13 coturn compares IPv6 addresses byte by byte, each byte on its own: only blocks that are a power of
//     two and aligned mean what they say, so an IPv6 range becomes such blocks;
//   - a range whose first address is :: covers every IPv4 address too, and one whose last is 0.0.0.0 or :: covers
//     everything: those two addresses are left out. coturn always refuses them as peers.
[[nodiscard]] std::vector<std::string> peer_ip_values(const AddressRange& range);

}  // namespace turnkeeper::coturn
