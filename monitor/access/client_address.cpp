#include "monitor/access/client_address.hpp"

#include <algorithm>
#include <optional>

namespace turnkeeper::monitor {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80".
std::optional<IpAddress> address_of(std::string_view text) {
  if (text.starts_with('[')) {
    text = text.substr(1, std::max<std::size_t>(text.find(']'), 1) - 1);
  } else if (std::ranges::count(text, ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  auto address = parse_address(text);
  if (!address) return std::nullopt;
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (address->v6 && std::equal(mapped.begin(), mapped.end(), address->bytes.begin())) {
    IpAddress v4;
    std::copy(address->bytes.begin() + 12, address->bytes.end(), v4.bytes.begin());
    return v4;
  }
  return *address;
}

std::string group_of(IpAddress address) {
  if (!address.v6) return address.text();
  std::fill(address.bytes.begin() + 8, address.bytes.end(), std::uint8_t{0});
  return address.text() + "/64";
}

}  // namespace

std::string client_address(std::string_view peer, std::string_view forwarded_for,
                           const std::vector<AddressRange>& proxies) {
  auto address = address_of(peer);
  if (!address) return std::string(peer);
  const auto is_proxy = [&](const IpAddress& one) {
    return std::ranges::any_of(proxies, [&](const AddressRange& range) { return range.contains(one); });
  };
  while (is_proxy(*address) && !forwarded_for.empty()) {
    const auto comma = forwarded_for.rfind(',');
    const auto last = comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1);
    const auto before = address_of(trimmed(last));
    if (!before) break;
    address = before;
    forwarded_for = comma == std::string_view::npos ? std::string_view() : forwarded_for.substr(0, comma);
  }
  return group_of(*address);
}

}  // namespace turnkeeper::monitor
