// What the status page and `turnctl` show, as one snapshot, and its JSON.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "monitor/probe/probe_result.hpp"
#include "monitor/verdict/serving.hpp"
#include "turnkeeper/api/health.hpp"

namespace turnkeeper::monitor {

struct RelayStatus {
  std::string name;
  std::string address;  // "192.0.2.1:3478"
  api::Verdict verdict = api::Verdict::unknown;
  api::Cause cause = api::Cause::none;
  std::string detail;
  SystemTime since;                              // when the verdict began
  std::optional<std::chrono::nanoseconds> echo;  // the canary's newest round trip; nothing while it has none
  double loss_percent = 0;                       // of the canary's recent echoes
  std::optional<ProbeResult> probe;              // the newest full probe
};

struct RegionStatus {
  std::string name;
  std::string served_by;  // a region; empty: nobody can serve its clients
  std::vector<RelayStatus> relays;
};

struct ClusterStatus {
  std::string name;
  std::vector<RegionStatus> regions;
};

struct Status {
  std::string vantage;
  std::vector<ClusterStatus> clusters;
  std::vector<Failover> failovers;  // newest first, at most 20
};

// The answer of GET /api/relays, and the data of the events named "relays" of GET /api/events. Pure.
[[nodiscard]] std::string status_json(const Status& status);

}  // namespace turnkeeper::monitor
