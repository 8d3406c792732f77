// The flags that say who may ask for credentials.
#pragma once

#include <string>
#include <vector>

#include "monitor/access/access_config.hpp"
#include "turnkeeper/base/result.hpp"

namespace CLI {
class App;
}

namespace turnkeeper::monitor {

struct AccessFlags {
  std::string api_key_file;
  std::string api_keys_file;
  bool anonymous = false;
  std::string jwks;
  std::string jwt_ca_file;
  std::string jwt_audience;
  std::string jwt_issuer;
  std::string jwt_user_claim;
  std::vector<std::string> jwt_required;  // "CLAIM=VALUE"
  std::vector<std::string> origins;
  std::string per_caller;
  std::string per_address;
  std::vector<std::string> proxies;
};

void declare_access(CLI::App& app, AccessFlags& flags);

// `config`: what monitor.yaml says; a flag that is given counts instead. Reads the files that are named, to find
// mistakes now rather than later.
[[nodiscard]] Result<AccessConfig> access_config(const AccessFlags& flags, AccessConfig config);

}  // namespace turnkeeper::monitor
