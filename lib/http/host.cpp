#include "turnkeeper/http/host.hpp"

#include <algorithm>
#include <string>

#include "turnkeeper/base/address_range.hpp"

namespace turnkeeper::http {

bool is_loopback_host(std::string_view host) {
  if (host.starts_with('[')) {
    host = host.substr(1, std::max<std::size_t>(host.find(']'), 1) - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  std::string name(host);
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (name.ends_with('.')) name.pop_back();
  if (name == "localhost" || name.ends_with(".localhost")) return true;  // RFC 6761 section 6.3
  const auto address = parse_address(name);
  return address && is_loopback(*address);
}

}  // namespace turnkeeper::http
