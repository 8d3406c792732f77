// What a cause means for clients, whoever found it. Pure.
#pragma once

#include "turnkeeper/api/health.hpp"

namespace turnkeeper::monitor {

//   none      nothing is wrong
//   unknown   says nothing about the relay: the prober's own failure
//   degraded  calls work; somebody should look
//   unusable  a new call through the relay would fail, or connect to nowhere
enum class Impact { none, unknown, degraded, unusable };

// Of a cause by itself. A probe that got through nevertheless says so in ProbeResult::ok.
[[nodiscard]] Impact impact(api::Cause cause);

}  // namespace turnkeeper::monitor
