#include "monitor/service/relay_credential.hpp"

#include <algorithm>

namespace turnkeeper::monitor {

Result<turn::Credential> relay_credential(const Fleet& fleet, const RelayId& id, const std::string& vantage,
                                          SystemTime now) {
  const auto cluster = std::ranges::find(fleet.clusters, id.cluster, &Cluster::name);
  if (cluster == fleet.clusters.end()) return fail("there is no cluster " + id.cluster);
  for (const auto& region : cluster->regions) {
    if (region.name != id.region) continue;
    const auto relay = std::ranges::find(region.relays, id.relay, &Relay::name);
    if (relay == region.relays.end()) continue;
    if (const auto& fixed = relay->static_credential) return turn::Credential{fixed->username, fixed->password};
    const auto* key = api::issuing_key(cluster->signing_keys);
    if (key == nullptr) {
      return fail("cluster " + id.cluster + " has no signing key that issues credentials",
                  "see the operator's log and the cluster's Secret of signing keys");
    }
    return turn::time_limited_credential(key->secret, "turnkeeper-monitor-" + vantage, now + cluster->credential_ttl);
  }
  return fail("cluster " + id.cluster + " has no relay " + id.relay);
}

}  // namespace turnkeeper::monitor
