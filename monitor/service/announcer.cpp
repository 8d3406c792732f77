#include "monitor/service/announcer.hpp"

#include <cstdio>

#include "turnkeeper/base/log.hpp"

namespace turnkeeper::monitor {
namespace {

// rfc3339() with milliseconds, which is what failures are measured in.
std::string precise(SystemTime time) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  std::string text = rfc3339(time);
  char fraction[8];
  (void)std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(ms));
  text.pop_back();
  return text + fraction;
}

void log_failover(const Failover& failover) {
  const auto write = failover.is_return() ? log::info : log::warn;
  write(failover.is_return() ? "region serves its clients again" : "failover",
        {{"cluster", failover.cluster},
         {"region", failover.region},
         {"from", failover.from},
         {"to", failover.to},
         {"cause", api::cause_name(failover.cause)}});
}

std::string_view what_name(IncidentEvent::What what) {
  switch (what) {
    case IncidentEvent::What::started:
      return "incident started";
    case IncidentEvent::What::grew:
      return "incident grew";
    case IncidentEvent::What::ended:
      break;
  }
  return "incident ended";
}

// One relay's is told by its verdict.
void log_incident(const IncidentEvent& event) {
  const auto& incident = event.incident;
  if (incident.scope == Incident::Scope::relay) return;
  const auto write = event.what == IncidentEvent::What::ended ? log::info : log::warn;
  write(what_name(event.what), {{"scope", scope_name(incident.scope)},
                                {"cluster", incident.cluster},
                                {"region", incident.region},
                                {"relays", incident.relays.size()},
                                {"of", incident.relays_in_scope},
                                {"cause", api::cause_name(incident.cause)},
                                {"detail", incident.detail}});
}

}  // namespace

std::string votes_text(const std::vector<Vote>& votes) {
  std::string text;
  for (const auto& vote : votes) {
    if (!text.empty()) text += ' ';
    text += vote.vantage + ':';
    if (vote.blind) {
      text += "blind";
    } else if (vote.cause != api::Cause::none) {
      text += api::cause_name(vote.cause);
    } else {
      text += vote.usable ? "ok" : "dead";
    }
  }
  return text;
}

void Announcer::log_verdict(const VerdictChange& change) const {
  const auto now = clock_.steady();
  const auto& to = change.to;
  const auto write = change.from == to.verdict               ? log::debug
                     : to.verdict == api::Verdict::unhealthy ? log::warn
                                                             : log::info;
  const std::string votes = votes_text(change.votes);
  if (!change.first_miss) {
    write("verdict changed", {{"cluster", change.id.cluster},
                              {"region", change.id.region},
                              {"relay", change.id.relay},
                              {"verdict", api::verdict_name(to.verdict)},
                              {"was", api::verdict_name(change.from)},
                              {"cause", api::cause_name(to.cause)},
                              {"votes", votes},
                              {"detail", to.detail}});
    return;
  }
  const auto after = std::chrono::duration_cast<std::chrono::milliseconds>(now - *change.first_miss);
  const auto missed = clock_.system() - std::chrono::duration_cast<SystemTime::duration>(now - *change.first_miss);
  write("verdict changed", {{"cluster", change.id.cluster},
                            {"region", change.id.region},
                            {"relay", change.id.relay},
                            {"verdict", api::verdict_name(to.verdict)},
                            {"was", api::verdict_name(change.from)},
                            {"cause", api::cause_name(to.cause)},
                            {"votes", votes},
                            {"first_miss", precise(missed)},
                            {"detected_after_ms", after.count()},
                            {"detail", to.detail}});
}

void Announcer::announce(const Failover& failover) {
  log_failover(failover);
  if (!failover.is_return()) metrics_.failed_over(failover.cluster, failover.region, failover.cause);
  history_.failed_over(failover);
  const std::pair region(failover.cluster, failover.region);
  std::optional<SystemTime> started;
  if (const auto away = away_since_.find(region); away != away_since_.end()) started = away->second;
  notifier_.notify(failover_notification(failover, started));
  if (failover.is_return()) {
    away_since_.erase(region);
  } else {
    away_since_.try_emplace(region, failover.at);
  }
}

void Announcer::announce(const FleetChanges& changes) {
  for (const auto& change : changes.verdicts) {
    metrics_.judged(change.id, change.to.verdict, change.to.cause);
    history_.judged(change.id, change.to.verdict, change.to.cause);
    log_verdict(change);
  }
  for (const auto& failover : changes.failovers) announce(failover);
  for (const auto& event : changes.incidents) {
    log_incident(event);
    notifier_.notify(incident_notification(event));
  }
  if (changes.blind) {
    metrics_.set_blind(*changes.blind);
    if (*changes.blind) {
      log::warn("this vantage sees nothing at all and abstains");
    } else {
      log::info("this vantage sees again");
    }
  }
}

}  // namespace turnkeeper::monitor
