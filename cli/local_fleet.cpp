#include "cli/local_fleet.hpp"

#include <algorithm>
#include <iterator>

namespace turnkeeper::cli {
namespace {

constexpr int kHighestPort = 65535;
constexpr int kFewestRelayPorts = 10;

// Any two relays that would take the same port.
Result<void> check_overlaps(const std::vector<LocalRelay>& relays) {
  for (const auto& one : relays) {
    for (const auto& other : relays) {
      const bool same = &one == &other;
      const bool turn_twice = !same && one.ports.turn == other.ports.turn;
      const bool turn_in_range = one.ports.turn >= other.ports.relay_min && one.ports.turn <= other.ports.relay_max;
      const bool ranges_meet =
          !same && one.ports.relay_min <= other.ports.relay_max && other.ports.relay_min <= one.ports.relay_max;
      if (turn_twice || turn_in_range || ranges_meet) {
        return fail("on one machine the ports of the relays " + one.name + " and " + other.name + " overlap",
                    "give every region the same spec.relay.ports, with the turn port outside the relay range");
      }
    }
  }
  return {};
}

// The certificate for TLS and DTLS is a Secret in Kubernetes.
std::vector<api::Transport> without_tls(std::vector<api::Transport> transports) {
  std::erase_if(transports, [](auto one) { return one == api::Transport::tls || one == api::Transport::dtls; });
  return transports;
}

}  // namespace

Result<std::vector<LocalRelay>> plan_local_relays(const api::TurnCluster& cluster, const std::string& address) {
  int total = 0;
  for (const auto& region : cluster.spec.regions) total += region.relay.replicas;
  std::vector<LocalRelay> relays;
  for (const auto& region : cluster.spec.regions) {
    api::RelaySpec spec = region.relay;
    spec.transports = without_tls(spec.transports);
    if (spec.transports.empty()) {
      return fail("region " + region.name + " offers TLS or DTLS only, whose certificate is in Kubernetes",
                  "add UDP or TCP to its transports to run it here");
    }
    for (int ordinal = 0; ordinal < region.relay.replicas; ++ordinal) {
      const int index = static_cast<int>(relays.size());
      const api::Ports& ports = region.relay.ports;
      const int slice = (ports.relay_max - ports.relay_min + 1) / total;
      if (slice < kFewestRelayPorts || ports.turn + index > kHighestPort) {
        return fail("the ports do not suffice for " + std::to_string(total) + " relays on one machine",
                    "widen spec.relay.ports.relayMin..relayMax, or lower the replicas");
      }
      const int first = ports.relay_min + index * slice;
      relays.push_back({.name = region.name + "-" + std::to_string(ordinal),
                        .region = region.name,
                        .address = address,
                        .ports = {.turn = static_cast<std::uint16_t>(ports.turn + index),
                                  .relay_min = static_cast<std::uint16_t>(first),
                                  .relay_max = static_cast<std::uint16_t>(first + slice - 1)},
                        .spec = spec});
    }
  }
  if (auto distinct = check_overlaps(relays); !distinct) return fail(distinct.error());
  return relays;
}

Result<std::vector<monitor::ProviderConfig>> local_providers(const api::TurnCluster& cluster,
                                                             const std::string& secrets) {
  std::vector<monitor::ProviderConfig> providers;
  for (const auto& provider : cluster.spec.failover.providers) {
    Secret secret;
    if (!provider.secret.name.empty()) {
      auto read = Secret::from_file(secrets + '/' + provider.secret.name + '/' + provider.secret.key);
      if (!read) {
        return fail("provider " + provider.name + ": " + read.error().message,
                    "write the secret there: in Kubernetes it is entry " + provider.secret.key + " of the Secret " +
                        provider.secret.name);
      }
      secret = std::move(*read);
    }
    auto config = monitor::provider_config(provider, std::move(secret));
    if (!config) return fail(config.error());
    providers.push_back(std::move(*config));
  }
  return providers;
}

monitor::Fleet local_fleet(const api::TurnCluster& cluster, const std::vector<LocalRelay>& relays,
                           const api::SigningKeys& keys, std::vector<monitor::ProviderConfig> providers) {
  monitor::Cluster watched{.name = cluster.name,
                           .realm = cluster.spec.realm,
                           .signing_keys = {},
                           .regions = {},
                           .credential_ttl = cluster.spec.credentials.ttl,
                           .rotate_every = cluster.spec.credentials.rotate_every,
                           .probing = cluster.spec.probing,
                           .stun_servers = cluster.spec.stun_servers,
                           .provider_use = cluster.spec.failover.use,
                           .providers = std::move(providers)};
  set_keys(watched, keys);
  for (const auto& region : cluster.spec.regions) {
    monitor::Region& target =
        watched.regions.emplace_back(monitor::Region{.name = region.name, .backups = region.backups, .relays = {}});
    if (cluster.spec.budget) target.cost_per_gigabyte = cluster.spec.budget->per_gigabyte;
    for (const auto& relay : relays) {
      if (relay.region != region.name) continue;
      auto& to = target.relays.emplace_back(monitor::Relay{.name = relay.name, .public_addresses = {relay.address}});
      for (const auto& peers : relay.spec.peers.allow) {
        if (const auto range = parse_range(peers)) to.allowed_peers.push_back(*range);
      }
      for (const auto transport : relay.spec.transports) {
        to.uris.push_back(monitor::turn_uri(relay.address, relay.ports.turn, transport));
      }
    }
  }
  return {.clusters = {std::move(watched)}};
}

void set_keys(monitor::Cluster& cluster, const api::SigningKeys& keys) {
  cluster.signing_keys = api::accepted_keys(keys);
  cluster.removed_keys.clear();
  std::ranges::copy_if(keys, std::back_inserter(cluster.removed_keys),
                       [](const auto& key) { return key.phase == api::SigningKey::Phase::removed; });
}

}  // namespace turnkeeper::cli
