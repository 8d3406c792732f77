// What an agent answers to GET /v1/state, read. Pure.
#pragma once

#include <string_view>

#include "monitor/target/relay_health.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::monitor {

// Fields that are absent, or that a newer agent has added, do no harm; one of another kind than it should be is an
// error.
[[nodiscard]] Result<AgentState> parse_agent_state(std::string_view json);

}  // namespace turnkeeper::monitor
