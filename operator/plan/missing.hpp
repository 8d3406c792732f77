// Relays that Kubernetes does not make: a quota, Pod Security, a PriorityClass that does not exist. Nothing but an
// event of the StatefulSet says so, and it is tried again for ever. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/plan/relay_pod.hpp"
#include "operator/plan/roll.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

struct Missing {
  std::map<std::string, SystemTime> since;  // relay -> when it was first seen to have no pod
  std::optional<Halt> halt;                 // one of them is missing for long
  std::optional<SystemTime> look_again;
};

// `cluster`: with the ordinals that there should be. `before`: `since` of the pass before. Of sites that are
// unreachable nothing is said.
[[nodiscard]] Missing missing_relays(const api::TurnCluster& cluster, const std::vector<RelayPod>& pods,
                                     const std::map<std::string, std::string>& unreachable,
                                     const std::map<std::string, SystemTime>& before, SystemTime now);

}  // namespace turnkeeper::op
