#include "turnkeeper/kube/server_address.hpp"

#include <algorithm>

namespace turnkeeper::kube {

std::string ServerAddress::authority() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

Result<ServerAddress> parse_server_address(const std::string& url) {
  const auto wrong = [&] {
    return fail("the API server's address '" + url + "' cannot be used", "write server: https://HOST:PORT");
  };
  ServerAddress address;
  address.tls = url.starts_with("https://");
  if (!address.tls && !url.starts_with("http://")) return wrong();
  const std::string rest = url.substr(url.find("://") + 3);
  const auto slash = std::min(rest.find('/'), rest.size());
  address.prefix = rest.substr(slash);
  while (address.prefix.ends_with('/')) address.prefix.pop_back();
  const std::string authority = rest.substr(0, slash);
  const bool bracketed = authority.starts_with('[');
  const auto bracket = bracketed ? authority.find(']') : 0;
  if (bracket == std::string::npos || authority.find('@') != std::string::npos) return wrong();
  const auto colon = std::min(authority.find(':', bracket), authority.size());
  address.host = bracketed ? authority.substr(1, bracket - 1) : authority.substr(0, colon);
  if (bracketed && colon != bracket + 1) return wrong();
  const bool has_port = colon < authority.size();
  address.port = has_port ? authority.substr(colon + 1) : (address.tls ? "443" : "80");
  const bool digits = std::ranges::all_of(address.port, [](char c) { return c >= '0' && c <= '9'; });
  if (address.host.empty() || address.port.empty() || address.port.size() > 5 || !digits) return wrong();
  return address;
}

}  // namespace turnkeeper::kube
