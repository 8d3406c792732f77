// Where an API server is, taken from its URL. Pure.
#pragma once

#include <string>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::kube {

struct ServerAddress {
  bool tls = true;
  std::string host;    // a name or an address, an IPv6 one without its brackets
  std::string port;    // "443" when the URL has none
  std::string prefix;  // before the path of each request: "/k8s/clusters/c-1", as a rule ""

  // As a Host header has it.
  [[nodiscard]] std::string authority() const;
};

// Of "https://10.0.0.1:6443", "https://[fd00::1]:6443" or "http://127.0.0.1:8001/prefix/".
[[nodiscard]] Result<ServerAddress> parse_server_address(const std::string& url);

}  // namespace turnkeeper::kube
