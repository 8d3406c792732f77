// Taking a relay out of service without cutting a call: its clients are moved first, then its pod is deleted, then the
// agent in it waits for the calls that are left. Pure.
//
// That clients are being moved is written on the pod (turnkeeper.io/draining: when that began), so it survives the
// operator. From then on monitors are told that the relay drains, and give it to nobody. A mark is taken back when its
// reason is gone, or when the relay is needed after all: the relay then serves again, since nothing was stopped yet.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "operator/plan/placed.hpp"
#include "operator/plan/relay_health.hpp"
#include "operator/plan/relay_pod.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

// How long to wait after the mark when no monitor says anything about the relay: the time that a mark needs to travel.
inline constexpr std::chrono::seconds unheard_patience{5};
// ... when one goes on giving the relay to clients. They lose nothing by it but the first address they try: the calls
// that are there are waited for in any case.
inline constexpr std::chrono::seconds moving_patience{60};

// Is the marked relay given to no client any more? Yes when each fresh vantage that knows it says Draining or
// Unhealthy, or when the patience is over. A pod that does not run has no clients. False without a mark.
[[nodiscard]] bool clients_moved(const RelayPod& pod, const std::vector<VantageReport>& reports, SystemTime now);

// When clients_moved() may become true by time alone; unset when it is true or never will be.
[[nodiscard]] std::optional<SystemTime> next_look_at(const RelayPod& pod, const std::vector<VantageReport>& reports,
                                                     SystemTime now);

// The pod for server-side apply, with the mark or, when `since` is unset, without it.
[[nodiscard]] Placed drain_mark(const api::TurnCluster& cluster, const RelayPod& pod, std::optional<SystemTime> since);

}  // namespace turnkeeper::op
