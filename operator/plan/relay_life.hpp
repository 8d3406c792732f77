// All that is to happen to the relays of a cluster in one pass: how many there should be, which of them leave, and why.
// Puts autoscale.hpp, scale_down.hpp, roll.hpp, replace.hpp and drain.hpp together. Pure.
//
//   Sizes sizes = region_sizes(...);          // StatefulSets get sizes.now, the status speaks of sizes.wanted
//   Moves moves = relay_moves(..., sizes);    // after it is known what the newest templates are
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/plan/placed.hpp"
#include "operator/plan/relay_health.hpp"
#include "operator/plan/relay_pod.hpp"
#include "operator/plan/roll.hpp"
#include "operator/plan/scale_down.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

// What a person who looks at the TurnCluster would want to know: a Kubernetes Event, once the thing is done.
struct Notice {
  bool warning = false;
  std::string reason;  // CamelCase
  std::string message;
  bool operator==(const Notice&) const = default;
};

struct RelayLifeInput {
  const api::TurnCluster& cluster;  // as the spec says
  const std::vector<RelayPod>& pods;
  const std::vector<VantageReport>& reports;
  const ClusterHealth& health;  // of these reports
  const Nodes& nodes;
  const std::map<std::string, std::string>& unreachable;  // sites
  const std::map<std::string, SystemTime>& replaced;      // region -> when a wedged relay of it was replaced last
  const std::map<std::string, Ordinals>& live;            // region -> what its StatefulSet asks for, where there is one
  const std::set<std::string>& may_start_higher;          // sites; see Observed
  SystemTime now;
};

struct Sizes {
  api::TurnCluster wanted;                      // the cluster with the ordinals that there should be in the end
  api::TurnCluster now;                         // ... that StatefulSets are given now
  std::vector<const RelayPod*> leaving;         // that are more than wanted
  std::map<std::string, SystemTime> low_since;  // for the next pass
  std::vector<Notice> notices;
  std::optional<SystemTime> look_again;
};

[[nodiscard]] Sizes region_sizes(const RelayLifeInput& in, const std::map<std::string, SystemTime>& low_since,
                                 bool budget_spent);

// A pod to delete, with its uid as the precondition. `grace` in the place of its own termination grace period.
struct PodRemoval {
  const RelayPod* pod = nullptr;
  std::optional<std::chrono::seconds> grace;
};

struct Replaced {
  std::string region;
  api::Cause cause = api::Cause::none;
};

struct Moves {
  std::vector<Placed> marks;  // pods for server-side apply: marked as draining, or not any more
  std::vector<PodRemoval> removals;
  std::vector<Replaced> replaced;    // among the removals
  std::vector<std::string> waiting;  // see Roll
  std::vector<std::string> stuck;
  bool unproven = false;
  std::optional<Halt> halt;
  std::vector<Notice> notices;
  std::optional<SystemTime> look_again;
};

// `revisions`: see RollInput.
[[nodiscard]] Moves relay_moves(const RelayLifeInput& in, const Sizes& sizes,
                                const std::map<std::string, std::string>& revisions);

}  // namespace turnkeeper::op
