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
  // Why it is not usable; or, on a usable relay, why the newest full probe failed although the standing allocation's
  // echoes come back. None when all is well.
  api::Cause cause = api::Cause::none;
  std::string detail;
  SteadyTime at;  // this process's steady clock; older than the policy's freshness: ignored
};

}  // namespace turnkeeper::monitor
