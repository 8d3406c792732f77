// What the status page and `turnctl` show, as one snapshot, and its JSON.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "monitor/history/history.hpp"
#include "monitor/probe/probe_result.hpp"
#include "monitor/report/call_figures.hpp"
#include "monitor/target/relay_health.hpp"
#include "monitor/verdict/incident.hpp"
#include "monitor/verdict/observation.hpp"
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
  std::vector<ProbeResult> probes;               // the newest of each transport and address
  std::vector<Vote> votes;                       // of each vantage that is heard, this one first
  std::optional<AgentState> agent;               // what its agent says, while it is heard
};

// How far the proofs of a signing key have come, on the relays that take the cluster's keys.
struct KeyTrial {
  std::string key;
  bool must_accept = false;  // staged; else removed, and must be refused
  std::size_t relays = 0;
  std::vector<std::string> waiting;  // relays that did not answer as they must, or not yet
};

struct RegionStatus {
  std::string name;
  std::string served_by;  // a region; empty: nobody can serve its clients
  std::vector<RelayStatus> relays;
};

struct ClusterStatus {
  std::string name;
  std::vector<RegionStatus> regions;
  std::vector<KeyTrial> keys;  // staged ones, and removed ones that are still accepted somewhere
};

struct Status {
  std::string vantage;
  std::vector<ClusterStatus> clusters;
  std::vector<Failover> failovers;  // newest first, at most 20
  std::vector<Incident> incidents;  // that have not ended, oldest first
  CallDay calls;                    // of clients, as they told this monitor
  bool blind = false;               // this vantage sees nothing at all, and abstains
};

// The answer of GET /api/relays, and the data of the events named "relays" of GET /api/events. Pure.
[[nodiscard]] std::string status_json(const Status& status);

// The answer of GET /api/history?cluster=C&region=R: the past of one region's relays. Times are Unix seconds, round
// trips milliseconds:
//   {"now": ..., "goal": 99.5, "relays": [{"name", "uptime": {"day", "week", "month"} or null each,
//     "segments": [[since, verdict, cause], ...], "pointSeconds": 15, "points": [[min, mean, max, lost %] or null,
//     ...]}],
//    "failovers": [...]}                                                          of the whole fleet, the last 24 hours
// A region that does not exist has no relays. `goal`: percent of uptime, as the page shows it. Pure.
[[nodiscard]] std::string history_json(const Fleet& fleet, const History& history, const std::string& cluster,
                                       const std::string& region, SystemTime now, double goal);

}  // namespace turnkeeper::monitor
