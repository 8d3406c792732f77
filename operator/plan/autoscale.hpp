// How many relays a region should have for the load that its agents report. Pure.
//
// What the StatefulSet has now is the state; each decision goes from there. More at once, as soon as the relays carry
// more than their share on average: as many as the load asks for. Calls do not move, so the new relays relieve the old
// ones only of what comes.
//
// Fewer slowly: one at a time, after the load would have fitted into fewer relays at 70 % for 5 minutes without a
// break, and only while every relay is heard: a relay that says nothing may be full. Which one goes is chosen elsewhere
// (scale_down.hpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::op {

inline constexpr double scale_down_share = 0.7;
inline constexpr std::chrono::seconds scale_down_after{300};

// Of one relay that serves. Unset: not heard.
struct RelayLoad {
  std::optional<int> sessions;
  std::optional<double> megabits;  // a second, both directions
};

struct ScaleInput {
  api::Autoscaling policy;
  int current = 0;                      // replicas that the StatefulSet has; 0: there is none yet
  std::vector<RelayLoad> loads;         // of the relays that serve, and of those that are about to leave
  bool may_grow = true;                 // false: the budget is spent
  std::optional<SystemTime> low_since;  // as the decision before said
  SystemTime now;
};

struct ScaleDecision {
  int replicas = 0;
  std::string why;  // for people, when it differs from `current` or would if it could; else empty
  // For the next decision; to be forgotten once there are fewer. Kept until then, or the relay that is about to leave
  // would be needed again. Forgetting it sooner only makes a scale-down later.
  std::optional<SystemTime> low_since;
  std::optional<SystemTime> look_again;
};

[[nodiscard]] ScaleDecision autoscale(const ScaleInput& input);

}  // namespace turnkeeper::op
