// What the monitors say about a cluster's relays, brought down to one word for each. Pure.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "turnkeeper/api/health.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/v1/health.pb.h"

namespace turnkeeper::op {

// A monitor reports at the latest every 10 s; one that was not heard for this long is not counted any more.
inline constexpr std::chrono::seconds report_lifetime{30};

struct RelayHealth {
  api::Verdict verdict = api::Verdict::unknown;
  api::Cause cause = api::Cause::none;
  SystemTime since;  // when the verdict began
  bool operator==(const RelayHealth&) const = default;
};

// The newest report of one vantage.
struct VantageReport {
  std::string vantage;
  SystemTime heard;                           // when it came in, by this process's clock
  std::map<std::string, RelayHealth> relays;  // of one cluster, by relay name: "eu-west-0"
};

// The part of a report that speaks of `cluster` ("namespace/name"). Words that this version does not know become
// Unknown.
[[nodiscard]] VantageReport vantage_report(const v1::HealthReport& report, const std::string& cluster,
                                           SystemTime heard);

struct ClusterHealth {
  bool heard = false;  // at least one vantage is fresh
  // The verdict of most fresh vantages; of equally many, the best: a doubt must not take a relay from its clients.
  std::map<std::string, RelayHealth> relays;
};

[[nodiscard]] ClusterHealth cluster_health(const std::vector<VantageReport>& reports, SystemTime now);

}  // namespace turnkeeper::op
