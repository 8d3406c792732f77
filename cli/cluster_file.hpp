#pragma once

#include <string>

#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::cli {

// A TurnCluster that a person wrote. The error has one line "file:line:column: field: message" for each problem.
[[nodiscard]] Result<api::TurnCluster> read_cluster(const std::string& file);

}  // namespace turnkeeper::cli
