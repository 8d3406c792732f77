// Which wedged relays to replace by a new pod: those that run, yet cannot be used, for a reason that a restart cures.
// Pure.
//
// Never without a monitor's word. Never when every relay of the region fails alike: what they share is elsewhere, and a
// restart would only cut what still runs. (A region of one relay is measured by the whole cluster, and the only relay
// of a cluster is left to its agent and to the kubelet.) Never twice for nothing: a pod on which no allocation ever
// succeeded came from a restart that did not help. At most one of a region in 5 minutes: when it was is in the status,
// so that a restart of the operator does not forget it.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/plan/relay_health.hpp"
#include "operator/plan/relay_pod.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

inline constexpr std::chrono::seconds wedged_after{60};
inline constexpr std::chrono::seconds between_replacements{300};
// For a relay whose calls are dead already: time to end in order, none to drain.
inline constexpr std::chrono::seconds dead_relay_grace{30};

// What an agent's and coturn's new start can put right:
//   connect-refused   nothing listens although the pod runs: coturn, or what starts it, hangs
//   connect-timeout   nothing is answered: a stopped or deadlocked process
//   allocate-timeout  Binding is answered, Allocate is not: coturn's known deadlock
//   auth-database     its database answers no more; the new pod makes a new one
//   data-path         allocations stand, their data does not flow: a hung relay thread
// What it cannot: names, routes, certificates and clocks lie outside; a missing signing key is on its way by itself;
// quotas and ports are used up by clients, who would come back; the rest is configuration.
[[nodiscard]] bool restart_cures(api::Cause cause);

struct Replacement {
  const RelayPod* pod = nullptr;
  api::Cause cause = api::Cause::none;
  SystemTime since;
  // Unset: its calls may still flow, so it drains like any other. Else nobody can be using it: unreachable for
  // everyone, or nothing but probes by its agent's own figures.
  std::optional<std::chrono::seconds> grace;
};

struct Replacements {
  std::vector<Replacement> now;  // at most one of a region; the pointers are into `pods`
  std::optional<SystemTime> look_again;
};

// `last`: region -> when one of its relays was replaced last.
[[nodiscard]] Replacements relays_to_replace(const api::TurnCluster& cluster, const std::vector<RelayPod>& pods,
                                             const ClusterHealth& health, const std::map<std::string, SystemTime>& last,
                                             SystemTime now);

}  // namespace turnkeeper::op
