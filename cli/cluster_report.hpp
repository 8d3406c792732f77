// What a person is shown of a TurnCluster in Kubernetes. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::cli {

// `object` is the TurnCluster as the API server has it: conditions, regions, relays, signing keys, what it costs.
[[nodiscard]] std::string cluster_report(const nlohmann::json& object, SystemTime now);

// What a rotation of its signing keys will do, step by step; `at_once`: those that are in use leaked.
[[nodiscard]] std::string rotation_preview(const nlohmann::json& object, bool at_once);

}  // namespace turnkeeper::cli
