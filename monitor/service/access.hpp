// Who may ask this monitor for credentials. Pure.
#pragma once

#include <optional>
#include <string>

#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/http/message.hpp"

namespace turnkeeper::monitor {

class Access {
 public:
  // With a key, whoever sends it as `Authorization: Bearer KEY` may. Without one, everybody may if `anonymous`, else
  // nobody.
  Access(std::optional<Secret> key, bool anonymous) : key_(std::move(key)), anonymous_(anonymous) {}

  // The answer to a request that is refused: 401 with what to do. Compares in constant time.
  [[nodiscard]] std::optional<http::Response> refuse(const http::Request& request) const;

 private:
  std::optional<Secret> key_;
  bool anonymous_;
};

// Is "127.0.0.1:8480", "[::1]:80", "localhost:0" or "unix:/path" reachable from this machine only?
[[nodiscard]] bool is_loopback(const std::string& listen_address);

}  // namespace turnkeeper::monitor
