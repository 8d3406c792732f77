// Judges a TurnCluster's fields against each other. Each field by itself was judged when it was read (parse.hpp, which
// also calls this); the CRD splits the work the same way, between its schema and its CEL rules.
#pragma once

#include "turnkeeper/api/problem.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::api {

// Empty when it is valid. Problems have no line: parse.hpp adds them. Pure.
[[nodiscard]] Problems validate(const TurnCluster& cluster);

}  // namespace turnkeeper::api
