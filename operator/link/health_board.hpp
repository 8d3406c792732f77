// The newest health report of each vantage, with the time at which it was heard. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "operator/plan/relay_health.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/v1/health.pb.h"

namespace turnkeeper::op {

class HealthBoard {
 public:
  // `on_change` is called with the name ("namespace/name") of each cluster that a report says something new about, on
  // the reporter's thread: at once for verdicts, proofs, certificates and what an agent runs with; at most every 10 s
  // for numbers such as sessions, which change all the time. `clock` must outlive the board.
  HealthBoard(const Clock& clock, std::function<void(const std::string&)> on_change)
      : clock_(clock), on_change_(std::move(on_change)) {}

  // `only`: the one cluster that the reporter is believed about; empty: all. False: it spoke of others too.
  bool report(v1::HealthReport report, const std::string& only = {});
  // What each vantage says about this cluster, the stale ones too; a vantage that does not mention it is left out.
  [[nodiscard]] std::vector<VantageReport> reports(const std::string& cluster) const;

 private:
  struct Heard {
    v1::HealthReport report;
    SteadyTime at;
    std::string only;
  };
  struct Told {
    SteadyTime at;                 // the last call of on_change
    bool numbers_pending = false;  // they have changed since
  };
  const Clock& clock_;
  const std::function<void(const std::string&)> on_change_;
  mutable std::mutex mutex_;
  std::map<std::string, Heard> heard_;
  std::map<std::string, Told> told_;  // by cluster
};

}  // namespace turnkeeper::op
