// Whether a live object already says all that an apply would say. Pure.
#pragma once

#include <nlohmann/json.hpp>

namespace turnkeeper::op {

// Every field of `desired` is in `live` with the same value; what `live` has beyond that is the API server's defaulting
// or somebody else's. Lists must be as long and match item by item. Quantities under resources' limits and requests are
// equal when they mean the same ("0.5" and "500m").
[[nodiscard]] bool covers(const nlohmann::json& live, const nlohmann::json& desired);

}  // namespace turnkeeper::op
