// What one full probe found: the outcome of each phase of using a relay as a client would.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "turnkeeper/api/health.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

enum class Phase { resolve, connect, allocate, bind, echo, refresh };

[[nodiscard]] std::string_view phase_name(Phase phase);  // "resolve", ...: the metric label

struct ProbeResult {
  bool ok = false;
  api::Cause cause = api::Cause::none;  // set unless ok
  std::string detail;                   // for a person: "401 Unauthorized to a credential that is good until ..."
  std::vector<std::pair<Phase, std::chrono::nanoseconds>> phases;  // those that were reached, in order
  std::chrono::nanoseconds total{0};
  std::string server;           // "192.0.2.1:3478", what the name resolved to; empty when it did not
  std::string relayed_address;  // empty when there was no allocation
  SystemTime finished;
};

}  // namespace turnkeeper::monitor
