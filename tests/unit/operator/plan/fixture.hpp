// A TurnCluster and what the API server would show of it: the world that the plan's tests change.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/plan/plan.hpp"
#include "operator/plan/relay_health.hpp"
#include "operator/plan/relay_pod.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

inline const SystemTime noon = parse_rfc3339("2026-08-01T12:00:00Z").value();

// Regions eu (2 relays, backup us) and us (1 relay), HostNetwork.
[[nodiscard]] api::TurnCluster two_regions();

// The Pod of a relay: running, ready, of that template revision.
[[nodiscard]] nlohmann::json pod(const std::string& region, int ordinal, const std::string& revision = "new");
// As relay_pods() reads it.
[[nodiscard]] RelayPod relay(const std::string& region, int ordinal, const std::string& revision = "new");

// One vantage that finds those relays Healthy: eu-0, eu-1, us-0; with these verdicts in their place.
[[nodiscard]] VantageReport report(const std::map<std::string, RelayHealth>& but = {}, SystemTime heard = noon,
                                   const std::string& vantage = "home");

// What a first pass makes, as the API server gives it back, with all pods up, their templates newest and a monitor that
// proves every relay.
[[nodiscard]] Observed at_rest(const api::TurnCluster& cluster);

[[nodiscard]] Settings settings();

// The objects as they are at a site.
[[nodiscard]] std::vector<Placed> at(const std::string& site, const std::vector<nlohmann::json>& objects);

// The child of that kind and name; fails the test when there is none.
[[nodiscard]] nlohmann::json& child_of(Observed& observed, const std::string& kind, const std::string& name);

// "status/reason" of a condition in a status.
[[nodiscard]] std::string condition(const nlohmann::json& status, const std::string& type);
[[nodiscard]] std::string message(const nlohmann::json& status, const std::string& type);

}  // namespace turnkeeper::op
