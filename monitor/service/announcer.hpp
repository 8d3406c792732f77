// Carries what has changed in the fleet to people: the log, metrics, history, webhooks.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "monitor/history/history.hpp"
#include "monitor/metrics/metrics.hpp"
#include "monitor/notify/notifier.hpp"
#include "monitor/service/fleet_health.hpp"

namespace turnkeeper::monitor {

class Announcer {
 public:
  // All outlive it.
  Announcer(const Clock& clock, Metrics& metrics, History& history, Notifier& notifier)
      : clock_(clock), metrics_(metrics), history_(history), notifier_(notifier) {}

  void announce(const FleetChanges& changes);

 private:
  void log_verdict(const VerdictChange& change) const;
  void announce(const Failover& failover);

  const Clock& clock_;
  Metrics& metrics_;
  History& history_;
  Notifier& notifier_;
  std::map<std::pair<std::string, std::string>, SystemTime> away_since_;  // by cluster and region
};

// "eu-1:ok us-1:auth-secret ap-1:blind". Pure.
[[nodiscard]] std::string votes_text(const std::vector<Vote>& votes);

}  // namespace turnkeeper::monitor
