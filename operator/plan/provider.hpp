// How the providers of a TurnCluster are doing: who of them can take clients, and the condition ProvidersUsable. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/plan/relay_health.hpp"
#include "operator/plan/secret_entry.hpp"
#include "turnkeeper/api/conditions.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

struct ProviderState {
  std::string name;
  double cost_per_gigabyte = 0;
  bool usable = false;        // monitors have proven a relay of it: clients can be sent there
  bool secret_usable = true;  // its Secret and the entry are there
  std::string trouble;        // what is wrong, and what to do; empty: nothing that is known
  bool operator==(const ProviderState&) const = default;
};

// In the order of the spec. `secrets`: of the TurnCluster's namespace.
[[nodiscard]] std::vector<ProviderState> provider_states(const api::TurnCluster& cluster, const Secrets& secrets,
                                                         const UnreadSecrets& unread, const ClusterHealth& health);

// `providers` holds one at least.
[[nodiscard]] api::Condition providers_usable(const std::vector<ProviderState>& providers, bool heard);

}  // namespace turnkeeper::op
