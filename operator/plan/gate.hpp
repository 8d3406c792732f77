// The readiness gate turnkeeper.io/proven: a pod is ready when an allocation succeeded on its relay, so that Services,
// DNS and disruption budgets count proven relays only. Pure.
//
//   Healthy, Degraded    True
//   Unhealthy            False
//   Draining, Unknown    as it was. A relay that drains is offered to nobody by other means, and to take its pod out of
//                        a Service would cut the UDP calls that it waits for.
//   no monitor is heard  as it was (fail open); a pod that never had one: True once its containers are ready
#pragma once

#include <vector>

#include "operator/plan/placed.hpp"
#include "operator/plan/relay_health.hpp"
#include "operator/plan/relay_pod.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

// Pods for server-side apply of their status: those whose condition has to change.
[[nodiscard]] std::vector<Placed> gates(const api::TurnCluster& cluster, const std::vector<RelayPod>& pods,
                                        const ClusterHealth& health, SystemTime now);

}  // namespace turnkeeper::op
