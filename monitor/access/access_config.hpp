// Who is let in, as flags and monitor.yaml say it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/access/jwt.hpp"
#include "monitor/access/rate_limit.hpp"
#include "turnkeeper/base/address_range.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::monitor {

struct JwtConfig {
  std::string jwks;     // a file, or an https:// URL
  std::string ca_file;  // whom to trust at that URL; empty: the system's authorities
  JwtRules rules;
  bool operator==(const JwtConfig&) const = default;
};

struct AccessConfig {
  std::string api_key_file;   // one key as it is
  std::string api_keys_file;  // names and hashes, see api_keys.hpp
  std::optional<JwtConfig> jwt;
  bool anonymous = false;            // without any of those: everybody
  std::vector<std::string> origins;  // whose pages may ask: "https://app.example.org"; "*": everybody's
  std::optional<Rate> per_caller;
  std::optional<Rate> per_address;
  std::vector<AddressRange> proxies;  // whose X-Forwarded-For is believed
  bool operator==(const AccessConfig&) const = default;
};

// Is it the address of a JWKS, rather than a file?
[[nodiscard]] bool is_url(std::string_view jwks);
// What can be said of it without reading anything: plain http:// leads to this machine alone, and a token names at
// least whom it is for or who made it.
[[nodiscard]] Result<void> check_jwt(const JwtConfig& config);

}  // namespace turnkeeper::monitor
