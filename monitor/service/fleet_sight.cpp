// Whether this vantage itself sees anything, as FleetHealth finds it out.
#include <algorithm>
#include <set>

#include "monitor/service/fleet_health.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr auto look_interval = std::chrono::milliseconds(100);

}  // namespace

void FleetHealth::sign_of_life(RelayRecord& relay, SteadyTime at) {
  relay.heard_at = std::max(at, relay.heard_at.value_or(at));
  if (!relay.elsewhere) return;
  if (!heard_at_ && look_) (void)look_();  // so that it knows what may come to be missing
  heard_at_ = std::max(at, heard_at_.value_or(at));
  if (blind_ && at > blind_since_) set_blind(false);
}

bool FleetHealth::sees_nothing(SteadyTime now) const {
  if (!look_) return false;
  RelaySilence silence{.since = heard_at_};
  std::set<std::pair<std::string_view, std::string_view>> regions;
  std::chrono::nanoseconds due = std::chrono::hours(1);
  for (const auto& [id, record] : relays_) {
    if (!record.elsewhere || !record.has_canary()) continue;
    due = std::min<std::chrono::nanoseconds>(due, 2 * record.interval);
    if (record.heard_at && *heard_at_ - *record.heard_at <= record.patience) regions.insert({id.cluster, id.region});
  }
  silence.regions = regions.size();
  silence.due = due;
  Surroundings surroundings = look_();
  for (const auto& vantage : vantages_) {
    // A monitor that was shut down earlier is nobody to miss.
    const bool spoke = vantage.heard_at && heard_at_ && *heard_at_ - *vantage.heard_at <= SightPolicy{}.link_timeout;
    if (spoke)
      surroundings.link_heard = std::max(*vantage.heard_at, surroundings.link_heard.value_or(*vantage.heard_at));
  }
  return monitor::is_blind(silence, surroundings, now);
}

void FleetHealth::set_blind(bool blind) {
  if (blind_ == blind) return;
  blind_ = blind;
  changes_.blind = blind;
  const auto now = clock_.steady();
  if (blind) {
    blind_since_ = now;
    look_at_ = now + look_interval;
    return;
  }
  look_at_.reset();
  for (const auto& [id, record] : relays_) {
    if (record.canary && record.canary->blind) changes_.recheck.push_back(id);
  }
}

void FleetHealth::look_again(SteadyTime now) {
  if (!look_at_ || now < *look_at_) return;
  look_at_ = now + look_interval;
  if (!sees_nothing(now)) set_blind(false);
}

}  // namespace turnkeeper::monitor
