// The record of a TurnCluster's sites: where away from home children of it may be. It is written before anything is
// made there and shrinks when all is gone there, so that nothing is forgotten, whenever the operator is killed. Pure.
//
// It is kept on the TurnCluster: the annotation turnkeeper.io/sites, and the finalizer of the same name while it is not
// empty.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "operator/plan/plan.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

inline constexpr const char* sites_record = "turnkeeper.io/sites";

[[nodiscard]] std::set<std::string> recorded_sites(const nlohmann::json& turn_cluster);
// What to apply to the TurnCluster so that it has this record.
[[nodiscard]] nlohmann::json record_patch(const nlohmann::json& turn_cluster, const std::set<std::string>& sites);

// Sets plan.record when it has to change. Of a cluster that is being deleted, also what is left behind at sites that do
// not answer for too long.
void plan_record(const api::TurnCluster& cluster, const Observed& observed, const Settings& settings, SystemTime now,
                 Plan& plan);

}  // namespace turnkeeper::op
