// Which fields of a provider mean something to which type: the same for a TurnCluster and a monitor.yaml.
#pragma once

#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::api {

enum class Need { none, optional, required };

struct ProviderFields {
  Need secret = Need::required;
  Need account = Need::none;
  Need user = Need::none;
  Need channel = Need::none;
  Need region = Need::none;
  Need url = Need::none;
  Need urls = Need::none;
  Need ttl = Need::optional;
};

constexpr ProviderFields provider_fields(ProviderType type) {
  using enum Need;
  switch (type) {
    case ProviderType::twilio:
      return {.account = required, .user = optional, .url = optional};
    case ProviderType::xirsys:
      return {.account = required, .channel = required, .url = optional};
    case ProviderType::cloudflare:
      return {.account = required, .url = optional};
    case ProviderType::metered:
      return {.region = optional, .url = required};
    case ProviderType::turn_rest:
      return {.secret = optional, .user = optional, .url = required};
    case ProviderType::static_list:
      return {.user = optional, .urls = optional, .ttl = none};
    case ProviderType::shared_secret:
      return {.urls = required, .ttl = none};
  }
  return {};
}

}  // namespace turnkeeper::api
