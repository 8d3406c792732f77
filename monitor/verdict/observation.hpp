// What one vantage saw of one relay: the input of every verdict.
#pragma once

#include <string>

#include "turnkeeper/api/health.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

// The newest thing that a vantage knows. A canary whose echoes come back renews it with each of them; a canary that
// missed its limit and a confirming allocation that failed turn `usable` off, with the cause that the allocation found.
struct Observation {
  std::string vantage;
  bool usable = false;
  api::Cause cause = api::Cause::none;  // set unless usable
  std::string detail;
  SteadyTime at;  // this process's steady clock; older than the policy's freshness: ignored
};

}  // namespace turnkeeper::monitor
