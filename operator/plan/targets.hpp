// What monitors are told: which relays there are and how to make credentials for them. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/plan/relay_pod.hpp"
#include "operator/plan/secret_entry.hpp"
#include "turnkeeper/api/signing_keys.hpp"
#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/v1/targets.pb.h"

namespace turnkeeper::op {

// The cluster's part of the TargetSet. Relays without an address are left out; one whose pod is being deleted is
// draining.
// `secrets`: of the cluster's namespace, by name; the providers' are taken from there.
[[nodiscard]] v1::ClusterTargets cluster_targets(const api::TurnCluster& cluster, const std::vector<RelayPod>& pods,
                                                 const api::SigningKeys& keys, const Secrets& secrets = {});

}  // namespace turnkeeper::op
