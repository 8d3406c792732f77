// A Kubernetes Node as the plan sees it. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "operator/plan/relay_pod.hpp"

namespace turnkeeper::op {

[[nodiscard]] NodeFacts node_facts(const nlohmann::json& node);

}  // namespace turnkeeper::op
