#include "monitor/service/relay_credential.hpp"

#include <algorithm>
#include <tuple>

namespace turnkeeper::monitor {
namespace {

using std::chrono::hours;

// coturn 4.6 keeps the time of a user name in 32 bits.
constexpr auto lasting_time = hours(5 * 365 * 24);
constexpr auto expired_since = hours(1);

Result<std::pair<const Cluster*, const Relay*>> find(const Fleet& fleet, const RelayId& id) {
  const auto cluster = std::ranges::find(fleet.clusters, id.cluster, &Cluster::name);
  if (cluster == fleet.clusters.end()) return fail("there is no cluster " + id.cluster);
  const auto region = std::ranges::find(cluster->regions, id.region, &Region::name);
  if (region != cluster->regions.end()) {
    const auto relay = std::ranges::find(region->relays, id.relay, &Relay::name);
    if (relay != region->relays.end()) return std::pair{&*cluster, &*relay};
  }
  return fail("cluster " + id.cluster + " has no relay " + id.relay);
}

struct Key {
  std::string id;
  Secret secret;
};
Result<Key> signing_key(const Cluster& cluster, const Relay& relay) {
  if (const auto* shared = std::get_if<SharedSecret>(&relay.credential)) return Key{"shared secret", shared->secret};
  if (const auto* key = api::issuing_key(cluster.signing_keys)) return Key{key->id, key->secret};
  return fail("cluster " + cluster.name + " has no signing key that issues credentials",
              "see the operator's log and the cluster's Secret of signing keys");
}

std::optional<turn::Credential> own_user(const Relay& relay) {
  if (const auto* fixed = std::get_if<StaticCredential>(&relay.credential)) {
    return turn::Credential{fixed->username, fixed->password};
  }
  if (const auto* provided = std::get_if<ProvidedCredential>(&relay.credential)) {
    return turn::Credential{provided->username, provided->password};
  }
  return std::nullopt;
}

}  // namespace

std::string monitor_user(const std::string& vantage) {
  return "turnkeeper-monitor-" + vantage;
}

Result<turn::Credential> relay_credential(const Fleet& fleet, const RelayId& id, const std::string& vantage,
                                          SystemTime now) {
  const auto found = find(fleet, id);
  if (!found) return fail(found.error());
  const auto& [cluster, relay] = *found;
  if (auto user = own_user(*relay)) return std::move(*user);
  const auto key = signing_key(*cluster, *relay);
  if (!key) return fail(key.error());
  return turn::time_limited_credential(key->secret, monitor_user(vantage), now + cluster->credential_ttl);
}

Result<RelayCredentials> relay_credentials(const Fleet& fleet, const RelayId& id, const std::string& vantage,
                                           SystemTime now) {
  const auto found = find(fleet, id);
  if (!found) return fail(found.error());
  const auto& [cluster, relay] = *found;
  RelayCredentials credentials;
  if (auto user = own_user(*relay)) {
    credentials.key = cluster->name + " user " + user->username;
    credentials.current = std::move(*user);
    return credentials;
  }
  const auto issuing = signing_key(*cluster, *relay);
  if (!issuing) return fail(issuing.error());
  const auto user = monitor_user(vantage);
  const auto sign = [&](const Secret& secret, SystemTime expires) {
    return turn::time_limited_credential(secret, user, expires);
  };
  const auto good_until = now + cluster->credential_ttl;
  credentials.current = sign(issuing->secret, good_until);
  credentials.key = cluster->name + " key " + issuing->id;
  credentials.lasting = sign(issuing->secret, now + lasting_time);
  credentials.expired = sign(issuing->secret, now - expired_since);
  if (const auto* shared = std::get_if<SharedSecret>(&relay->credential)) {
    for (std::size_t i = 0; i < shared->old.size(); ++i) {
      credentials.old_keys.push_back({std::to_string(i + 1), sign(shared->old[i], good_until)});
    }
    return credentials;
  }
  for (const auto& key : cluster->signing_keys) {
    if (key.id != issuing->id) credentials.other_keys.push_back({key.id, sign(key.secret, good_until)});
  }
  for (const auto& key : cluster->removed_keys) credentials.old_keys.push_back({key.id, sign(key.secret, good_until)});
  return credentials;
}

}  // namespace turnkeeper::monitor
