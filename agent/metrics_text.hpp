// The agent's metrics in Prometheus' text format. Pure.
#pragma once

#include <string>

#include "agent/state.hpp"

namespace turnkeeper::agent {

inline constexpr const char* metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

// A series for all that is known; what is unknown is left out instead of being called 0.
[[nodiscard]] std::string metrics_text(const State& state);

}  // namespace turnkeeper::agent
