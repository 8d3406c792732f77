// What a monitor watches, as values: the same whether it came from the operator's stream, the mounted snapshot, a
// monitor.yaml or a TurnCluster run by `turnctl up`.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "monitor/target/provider_config.hpp"
#include "turnkeeper/api/signing_keys.hpp"
#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/address_range.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::monitor {

// Names one relay everywhere in the monitor.
struct RelayId {
  std::string cluster;
  std::string region;
  std::string relay;
  auto operator<=>(const RelayId&) const = default;
};

// Where a relay's credentials come from. The cluster's signing keys: the one that issues.
struct ClusterKeys {
  bool operator==(const ClusterKeys&) const = default;
};

// A user name and password that do not change, for servers that are not ours.
struct StaticCredential {
  std::string username;
  Secret password;
  bool operator==(const StaticCredential&) const = default;
};

// The server's own shared secret of time-limited credentials (coturn's static-auth-secret).
struct SharedSecret {
  Secret secret;
  std::vector<Secret> old;  // must be refused
  bool operator==(const SharedSecret&) const = default;
};

// What a credential API last answered. Renewed while the relay stays the same.
struct ProvidedCredential {
  std::string provider;  // its name in monitor.yaml
  std::string username;
  Secret password;
  SystemTime expires;
  bool operator==(const ProvidedCredential&) const = default;
};

using CredentialSource = std::variant<ClusterKeys, StaticCredential, SharedSecret, ProvidedCredential>;

struct Relay {
  std::string name;
  std::vector<turn::Uri> uris;  // one at least; "turn" and "turns" only
  // What relayed addresses must be, at most one of each family; a family without one: unknown.
  std::vector<std::string> public_addresses;
  bool draining = false;                    // probed, but given to no client
  std::string agent;                        // "host:port" of the agent beside it; empty: there is none
  std::vector<AddressRange> allowed_peers;  // special addresses that its clients may reach on purpose
  CredentialSource credential;
  // In place of the cluster's. Canary 0: there is none, and full probes alone decide; they are all that is sent there.
  std::optional<api::Probing> probing;
  bool operator==(const Relay&) const = default;
};

// Where a relay's canary stands: its first UDP URI, else its first one.
[[nodiscard]] const turn::Uri& canary_uri(const Relay& relay);

// "turn:HOST:PORT?transport=...".
[[nodiscard]] turn::Uri turn_uri(std::string host, std::uint16_t port = 3478,
                                 api::Transport transport = api::Transport::udp);

// The URI with a transport, where it leaves it open: UDP for turn and TCP for turns, as browsers read it.
[[nodiscard]] turn::Uri with_transport(turn::Uri uri);

struct Region {
  std::string name;
  std::vector<std::string> backups;  // empty: every other region, external ones left out, the nearest first
  std::vector<Relay> relays;
  // A provider's relays, not ours; named after the provider. No client asks for it: Cluster::provider_use decides.
  bool external = false;
  double cost_per_gigabyte = 0;  // 0: nothing is charged for it
  // Other regions, as far as vantages have measured them: the nearest first (monitor/verdict/backup_order.hpp).
  std::vector<std::string> nearest = {};
  bool operator==(const Region&) const = default;
};

struct Cluster {
  std::string name;  // "namespace/name", or just the name
  std::string realm;
  api::SigningKeys signing_keys;
  // Relays must refuse them: those that the operator says, and those that this monitor has seen go. Few.
  api::SigningKeys removed_keys;
  std::vector<Region> regions;
  std::chrono::seconds credential_ttl{24 * 3600};
  std::chrono::seconds rotate_every{2160 * 3600};
  api::Probing probing;
  std::vector<std::string> stun_servers;
  ProviderUse provider_use = ProviderUse::fallback;
  std::vector<ProviderConfig> providers;  // whose relays Providers::complete() adds
  bool operator==(const Cluster&) const = default;
};

struct Fleet {
  std::vector<Cluster> clusters;
  bool operator==(const Fleet&) const = default;
};

// Puts into `now` what was a signing key in `before` and is none any more. A key that comes back is removed no longer.
void remember_removed_keys(const Fleet& before, Fleet& now);

}  // namespace turnkeeper::monitor
