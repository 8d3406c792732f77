// A TurnCluster on one machine: which relay gets which ports, and what the monitor watches. Pure, but for the
// secrets that are read.
#pragma once

#include <string>
#include <vector>

#include "monitor/target/fleet.hpp"
#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::cli {

struct LocalRelay {
  std::string name;    // "eu-0"
  std::string region;  // "eu"
  std::string address;
  api::Ports ports;     // its own turn port, and its slice of the relay range
  api::RelaySpec spec;  // the rest, as the region has it
};

// The relays of all regions in the order of the file. Relay number i gets the turn port spec.relay.ports.turn + i, and
// the i-th of as many equal slices of the relay range as there are relays. TLS and DTLS are left out: their certificate
// is a Secret in Kubernetes. An error when the ports do not suffice, or a region offers nothing else.
[[nodiscard]] Result<std::vector<LocalRelay>> plan_local_relays(const api::TurnCluster& cluster,
                                                                const std::string& address);

// The providers of spec.failover; their secrets are files called SECRET/ENTRY in the folder `secrets`, as Kubernetes
// mounts them. An error when one is not there.
[[nodiscard]] Result<std::vector<monitor::ProviderConfig>> local_providers(const api::TurnCluster& cluster,
                                                                           const std::string& secrets);

[[nodiscard]] monitor::Fleet local_fleet(const api::TurnCluster& cluster, const std::vector<LocalRelay>& relays,
                                         const api::SigningKeys& keys,
                                         std::vector<monitor::ProviderConfig> providers = {});
// Another step of the keys' rotation.
void set_keys(monitor::Cluster& cluster, const api::SigningKeys& keys);

}  // namespace turnkeeper::cli
