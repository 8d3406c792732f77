// Which credential API to ask, and as whom: `provider:` of a server in monitor.yaml.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::monitor {

struct ProviderConfig {
  enum class Type { turn_rest, twilio, metered, xirsys, cloudflare };

  std::string name;  // the server's in monitor.yaml; its relays are named after it
  Type type = Type::turn_rest;
  std::string url;      // "https://HOST[/PATH]"; empty: the vendor's own address
  std::string account;  // Twilio's account SID, Cloudflare's key id, Xirsys's ident
  std::string user;     // turn-rest: whose credential it is; Twilio: an API key's SID in place of the account's
  std::string channel;  // Xirsys
  std::string region;   // Metered; empty: the nearest
  Secret secret;        // the vendor's token or key; may be empty for turn-rest only
  std::chrono::seconds ttl{24 * 3600};
  std::string ca_file;  // PEM; empty: the system's authorities
  bool operator==(const ProviderConfig&) const = default;
};

// A server whose URLs and credentials a credential API tells.
struct ProvidedServer {
  std::string region;
  ProviderConfig provider;
  bool operator==(const ProvidedServer&) const = default;
};

inline constexpr std::array<std::pair<std::string_view, ProviderConfig::Type>, 5> provider_types{{
    {"turn-rest", ProviderConfig::Type::turn_rest},
    {"twilio", ProviderConfig::Type::twilio},
    {"metered", ProviderConfig::Type::metered},
    {"xirsys", ProviderConfig::Type::xirsys},
    {"cloudflare", ProviderConfig::Type::cloudflare},
}};

[[nodiscard]] std::string_view provider_type_name(ProviderConfig::Type type);  // "turn-rest", ...

}  // namespace turnkeeper::monitor
