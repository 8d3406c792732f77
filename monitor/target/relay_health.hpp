// What this monitor says of one relay, in the form that leaves it: for the operator, which writes it to status.
#pragma once

#include "monitor/target/fleet.hpp"
#include "turnkeeper/api/health.hpp"

namespace turnkeeper::monitor {

struct RelayHealth {
  RelayId id;
  api::Verdict verdict = api::Verdict::unknown;
  api::Cause cause = api::Cause::none;
  SystemTime since;
  bool operator==(const RelayHealth&) const = default;
};

}  // namespace turnkeeper::monitor
