#include "turnkeeper/coturn/peer_ip.hpp"

namespace turnkeeper::coturn {

std::vector<std::string> peer_ip_values(const AddressRange& range) {
  constexpr decltype(IpAddress::bytes) zero{};
  if (range.last.bytes == zero) return {};
  if (!range.first.v6) return {range.text()};
  AddressRange named = range;
  if (named.first.bytes == zero) named.first.bytes[15] = 1;
  std::vector<std::string> values;
  for (const auto& block : cidr_blocks(named)) values.push_back(block.text());
  return values;
}

}  // namespace turnkeeper::coturn
