// Which pod to renew next. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "operator/plan/relay_health.hpp"
#include "operator/plan/relay_pod.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

// The next pod to delete, so that it comes back from the newest template; null when there is none, or not yet. One pod
// at a time in the whole cluster, and only while every other relay is there, ready and, when a monitor is heard, proven
// to work: so a template that does not work stops the roll at its first pod. A pod that is not ready serves nobody and
// need not wait. `revisions`: region -> the revision that its pods should have; a region that is left out is not
// rolled.
[[nodiscard]] const RelayPod* next_to_roll(const api::TurnCluster& cluster, const std::vector<RelayPod>& pods,
                                           const ClusterHealth& health,
                                           const std::map<std::string, std::string>& revisions);

// Made from an older template than `revisions` says.
[[nodiscard]] bool is_outdated(const RelayPod& pod, const std::map<std::string, std::string>& revisions);

// A verdict that lets clients be sent there.
[[nodiscard]] bool works(const RelayPod& pod, const ClusterHealth& health);

}  // namespace turnkeeper::op
