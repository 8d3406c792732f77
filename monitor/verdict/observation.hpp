// What one vantage saw of one relay: the input of every verdict.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "monitor/target/fleet.hpp"
#include "turnkeeper/api/health.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

// The newest thing that a vantage knows. A canary whose echoes come back renews it each second; a canary that missed
// its limit and a confirming allocation that failed turn `usable` off, with the cause that the allocation found.
struct Observation {
  std::string vantage;
  bool usable = false;
  // Why it is not usable; or, on a usable relay, why the newest full probe failed although the standing allocation's
  // echoes come back. None when all is well.
  api::Cause cause = api::Cause::none;
  std::string detail;
  SteadyTime at;  // this process's steady clock; older than the policy's freshness: ignored
  // The vantage saw nothing at all when it saw this, and abstains (monitor/sight).
  bool blind = false;
  // The least of some seconds, of when it last answered; nothing: it never did, or the vantage does not say. No part of
  // the opinion.
  std::optional<std::chrono::nanoseconds> round_trip = {};
};

// An observation of one relay of many, on its way between monitors.
struct SeenRelay {
  RelayId id;
  Observation observation;
};

// The same opinion, however old each is.
[[nodiscard]] inline bool same_opinion(const Observation& a, const Observation& b) {
  return a.usable == b.usable && a.cause == b.cause && a.blind == b.blind && a.detail == b.detail;
}

// An observation as it is shown to people: in the log line of a verdict, on the status page.
struct Vote {
  std::string vantage;
  bool usable = false;
  bool blind = false;  // abstained
  api::Cause cause = api::Cause::none;
  std::chrono::nanoseconds age{0};
  bool operator==(const Vote&) const = default;
};

}  // namespace turnkeeper::monitor
