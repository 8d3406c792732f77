// What a monitor remembers of one relay, in the form that is handed to a monitor that has just started: so that a
// restart does not begin from Unknown and does not forget that a relay flaps.
#pragma once

#include <optional>
#include <string>

#include "monitor/target/fleet.hpp"
#include "turnkeeper/api/health.hpp"

namespace turnkeeper::monitor {

struct RelayMemory {
  RelayId id;
  api::Verdict verdict = api::Verdict::unknown;
  api::Cause cause = api::Cause::none;
  std::string detail;
  SteadyTime since;                        // this process's steady clock, which may reach back before its start
  int falls = 0;                           // times that it became Unhealthy, as long as that is held against it
  std::optional<SteadyTime> usable_since;  // the present unbroken run of usable judgements
  bool operator==(const RelayMemory&) const = default;
};

}  // namespace turnkeeper::monitor
