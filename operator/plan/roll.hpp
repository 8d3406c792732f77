// Which relays leave and come back: those made from an older template than their region's newest, and those on a node
// that was cordoned. Pure.
//
// The rules, in the order in which they are asked:
// - A relay whose containers do not run, or are not ready while no monitor finds it working, serves nobody: it goes at
//   once, whatever the others do. So a template that could not start is replaced by one that can.
// - At most one relay of a region is away: being drained, deleted, started or not proven yet. One that somebody else
//   deletes or evicts counts as that one.
// - A working relay goes only while every other relay of its region works: by a real allocation when a monitor is
//   heard, by its pod's readiness else. Where none works, one goes all the same, and the next when that one is proven.
// - The first relay of the cluster goes alone. Once a relay with its region's image works on the newest template, the
//   other regions go at their own pace. So a bad image or configuration costs one relay: the roll halts there.
// - A region's only relay goes only while one of its backups serves, so two such regions never go together, and after
//   those that a scale-down gives up. The only relay of a whole cluster goes all the same: there is nothing better to
//   wait for.
// - A relay leaves a cordoned node only when another node can take it, as far as can be told from here: schedulable,
//   with the labels that the node selector asks for and, under HostNetwork, without a relay of this cluster. What
//   taints and affinities say the scheduler knows; should it refuse, the pod is reported as one that does not start.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/plan/relay_health.hpp"
#include "operator/plan/relay_pod.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

struct RollInput {
  const api::TurnCluster& cluster;  // with the ordinals that there should be; pods beyond them are not looked at
  const std::vector<RelayPod>& pods;
  const ClusterHealth& health;
  // Region -> the revision that its pods should have. A region that is left out is not rolled.
  const std::map<std::string, std::string>& revisions;
  const Nodes& nodes;
  const std::map<std::string, std::string>& unreachable;  // sites: their regions are not touched
  SystemTime now;
};

struct Departure {
  const RelayPod* pod = nullptr;
  enum class Why { outdated, cordoned } why = Why::outdated;
  bool serves_nobody = false;    // its containers do not run: there is nothing to wait for
  bool last_of_cluster = false;  // nobody serves until it is back
};

inline constexpr const char* roll_halted = "RollHalted";  // others are still to be renewed
inline constexpr const char* relay_fails = "RelayFails";

struct Halt {
  std::string reason;   // CamelCase
  std::string message;  // with the cause, and what to do
};

struct Roll {
  std::vector<Departure> leaving;    // now; at most one of each region
  std::vector<std::string> waiting;  // why others have to stay for now, for people
  std::vector<std::string> stuck;    // why others stay on a cordoned node
  bool unproven = false;             // a relay of the newest template is there that never worked
  std::optional<Halt> halt;          // a relay of the newest template does not work, and will not by waiting
  std::optional<SystemTime> look_again;
};

// The pointers are into `pods`.
[[nodiscard]] Roll roll(const RollInput& input);

// Made from an older template than `revisions` says.
[[nodiscard]] bool is_outdated(const RelayPod& pod, const std::map<std::string, std::string>& revisions);

// A verdict that lets clients be sent there; without a monitor, the pod's readiness.
[[nodiscard]] bool works(const RelayPod& pod, const ClusterHealth& health);
// It works, and its clients are not being moved away.
[[nodiscard]] bool serves(const RelayPod& pod, const ClusterHealth& health);

}  // namespace turnkeeper::op
