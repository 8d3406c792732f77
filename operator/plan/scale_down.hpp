// From the replicas that a region should have to those that its StatefulSet is given now: it is made smaller only after
// the clients of the relays that go were moved away. Pure.
#pragma once

#include <optional>
#include <vector>

#include "operator/plan/relay_health.hpp"
#include "operator/plan/relay_pod.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

struct ScaleDown {
  int replicas = 0;                      // for the StatefulSet, now
  std::vector<const RelayPod*> leaving;  // whose clients are to be moved away, or are being moved; into `pods`
  std::optional<SystemTime> look_again;
};

// `wanted`: how many there should be; `current`: what the StatefulSet asks for, unset when there is none. Relays with
// higher ordinals leave, once one of those that stay serves: or at once, if none of those that leave does.
[[nodiscard]] ScaleDown scale_down(const api::Region& region, int wanted, std::optional<int> current,
                                   const std::vector<RelayPod>& pods, const std::vector<VantageReport>& reports,
                                   SystemTime now);

}  // namespace turnkeeper::op
