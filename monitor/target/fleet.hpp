// What a monitor watches, as values: the same whether it came from the operator's stream, the mounted snapshot, a
// monitor.yaml or a TurnCluster run by `turnctl up`.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/api/signing_keys.hpp"
#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::monitor {

// Names one relay everywhere in the monitor.
struct RelayId {
  std::string cluster;
  std::string region;
  std::string relay;
  auto operator<=>(const RelayId&) const = default;
};

// A user name and password that do not change, for servers that are not ours.
struct StaticCredential {
  std::string username;
  Secret password;
  bool operator==(const StaticCredential&) const = default;
};

struct Relay {
  std::string name;
  std::string host;  // an address or a host name
  std::uint16_t port = 3478;
  std::vector<api::Transport> transports = {api::Transport::udp};
  bool draining = false;                              // probed, but given to no client
  std::optional<StaticCredential> static_credential;  // set: used instead of the cluster's signing keys
  bool operator==(const Relay&) const = default;
};

struct Region {
  std::string name;
  std::vector<std::string> backups;  // empty: every other region in the order listed
  std::vector<Relay> relays;
  bool operator==(const Region&) const = default;
};

struct Cluster {
  std::string name;  // "namespace/name", or just the name
  std::string realm;
  api::SigningKeys signing_keys;
  std::vector<Region> regions;
  std::chrono::seconds credential_ttl{24 * 3600};
  std::chrono::seconds rotate_every{2160 * 3600};
  api::Probing probing;
  std::vector<std::string> stun_servers;
  bool operator==(const Cluster&) const = default;
};

struct Fleet {
  std::vector<Cluster> clusters;
  bool operator==(const Fleet&) const = default;
};

}  // namespace turnkeeper::monitor
