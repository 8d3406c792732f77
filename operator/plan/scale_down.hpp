// From the number of relays that a region should have to the ordinals that its StatefulSet is given now: relays go only
// after their clients were moved away. Pure.
//
// A StatefulSet has no holes, but two ends. It gives up its highest ordinal when it has fewer replicas, and its lowest
// when spec.ordinals.start is higher by one as well. Of the two, the one goes that costs least: a relay that serves
// nobody, else one that has to leave its cordoned node, else the one with fewer sessions. What was begun is seen by its
// mark (drain.hpp), so it is gone on with. When there are to be more again, the lowest come back first: names and fixed
// addresses do not wander off. But a number is free only when the last calls of the relay that had it have ended: until
// then the next higher comes.
#pragma once

#include <optional>
#include <vector>

#include "operator/plan/relay_health.hpp"
#include "operator/plan/relay_pod.hpp"
#include "operator/resources/ordinals.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

struct ScaleDownInput {
  const api::Region& region;
  int wanted = 0;                // how many there should be
  std::optional<Ordinals> live;  // what the region's StatefulSet asks for; unset: there is none
  // False: its Kubernetes may be too old for a higher start. It would give up the highest relay all the same, whose
  // clients were not moved.
  bool may_start_higher = true;
  const std::vector<RelayPod>& pods;
  const std::vector<VantageReport>& reports;
  const ClusterHealth& health;  // of these reports
  SystemTime now;
};

struct ScaleDown {
  Ordinals wanted;                       // in the end
  Ordinals ordinals;                     // for the StatefulSet, now
  std::vector<const RelayPod*> leaving;  // whose clients are to be moved away, or are being moved; into `pods`
  std::optional<SystemTime> look_again;
};

// Relays leave once one of those that stay serves: or at once, if none of those that leave does.
[[nodiscard]] ScaleDown scale_down(const ScaleDownInput& input);

}  // namespace turnkeeper::op
