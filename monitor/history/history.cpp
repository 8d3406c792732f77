#include "monitor/history/history.hpp"

#include <set>

namespace turnkeeper::monitor {
namespace {

constexpr std::size_t most_failovers = 200;
constexpr auto standstill = std::chrono::minutes(1);
constexpr SteadyTime::duration half_second = std::chrono::milliseconds(500);

}  // namespace

void History::set_fleet(const Fleet& fleet) {
  std::set<RelayId> present;
  for (const auto& cluster : fleet.clusters) {
    for (const auto& region : cluster.regions) {
      for (const auto& relay : region.relays) present.insert({cluster.name, region.name, relay.name});
    }
  }
  std::erase_if(relays_, [&](const auto& entry) { return !present.contains(entry.first); });
  for (const auto& id : present) {
    if (relays_.contains(id)) continue;
    auto saved = restored_.extract(id);
    if (saved) {
      relays_.insert(std::move(saved));
    } else {
      relays_[id].judged(clock_.system(), api::Verdict::unknown, api::Cause::none);
    }
  }
}

RelayHistory* History::relay(const RelayId& id) {
  const auto found = relays_.find(id);
  return found == relays_.end() ? nullptr : &found->second;
}
const RelayHistory* History::relay(const RelayId& id) const {
  const auto found = relays_.find(id);
  return found == relays_.end() ? nullptr : &found->second;
}

void History::judged(const RelayId& id, api::Verdict verdict, api::Cause cause) {
  auto* known = relay(id);
  if (!known) return;
  on_time();  // what has passed belongs to the verdict that ends now
  known->judged(clock_.system(), verdict, cause);
}

void History::failed_over(const Failover& failover) {
  failovers_.push_front(failover);
  if (failovers_.size() > most_failovers) failovers_.pop_back();
}

std::vector<Failover> History::failovers() const {
  std::vector<Failover> out;
  for (const auto& failover : failovers_) {
    if (failover.at > clock_.system() - RelayHistory::day) out.push_back(failover);
  }
  return out;
}

void History::on_time() {
  const auto now = clock_.steady();
  // An hour is counted in half seconds: what is left over waits for the next time.
  const auto elapsed = (now - counted_until_) / half_second * half_second;
  const bool stood_still = !counting_ || elapsed > standstill;
  counted_until_ = stood_still ? now : counted_until_ + elapsed;
  counting_ = true;
  if (stood_still || elapsed.count() == 0) return;
  for (auto& [id, known] : relays_) known.count(clock_.system(), elapsed);
}

}  // namespace turnkeeper::monitor
