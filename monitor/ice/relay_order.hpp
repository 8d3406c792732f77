// The order in which a client should try a cluster's relays. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "monitor/target/fleet.hpp"
#include "turnkeeper/api/health.hpp"

namespace turnkeeper::monitor {

struct RankedRelay {
  const Region* region;
  const Relay* relay;
};

// Of the client's region `own` and its backups. `affinity` chooses among relays that are equally good: who has the same
// one gets the same order. The pointers point into `cluster`.
[[nodiscard]] std::vector<RankedRelay> order_relays(
    const Cluster& cluster, const Region& own, const std::string& affinity,
    const std::function<api::Verdict(const RelayId&, const Relay&)>& verdict_of);

}  // namespace turnkeeper::monitor
