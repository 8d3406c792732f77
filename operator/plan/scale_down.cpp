#include "operator/plan/scale_down.hpp"

#include <algorithm>

#include "operator/plan/drain.hpp"
#include "operator/plan/roll.hpp"

namespace turnkeeper::op {

ScaleDown scale_down(const api::Region& region, int wanted, std::optional<int> current,
                     const std::vector<RelayPod>& pods, const std::vector<VantageReport>& reports, SystemTime now) {
  ScaleDown result{.replicas = wanted, .leaving = {}, .look_again = std::nullopt};
  if (!current || *current <= wanted) return result;
  const auto health = cluster_health(reports, now);
  std::vector<const RelayPod*> leaving;
  bool leaver_works = false;
  bool another_serves = false;
  for (const auto& pod : pods) {
    if (pod.region != region.name) continue;
    if (pod.ordinal < wanted) {
      another_serves = another_serves || serves(pod, health);
    } else if (!pod.deleting) {
      leaver_works = leaver_works || works(pod, health) || pod.draining;
      leaving.push_back(&pod);
    }
  }
  if (leaver_works && !another_serves) {
    result.replicas = *current;
    return result;
  }
  result.leaving = leaving;
  const bool moved = std::ranges::all_of(leaving, [&](const auto* pod) { return clients_moved(*pod, reports, now); });
  if (moved) return result;
  result.replicas = *current;
  for (const auto* pod : leaving) {
    const auto next = next_look_at(*pod, reports, now);
    if (next && (!result.look_again || *next < *result.look_again)) result.look_again = next;
  }
  return result;
}

}  // namespace turnkeeper::op
