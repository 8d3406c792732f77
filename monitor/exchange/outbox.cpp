#include "monitor/exchange/outbox.hpp"

#include "monitor/exchange/batch_proto.hpp"

namespace turnkeeper::monitor {
namespace {

using RoundTrip = std::optional<std::chrono::nanoseconds>;

// By a fifth and by more than what a busy machine adds.
bool is_news(const RoundTrip& told, const RoundTrip& now) {
  if (!told || !now) return told.has_value() != now.has_value();
  const auto difference = std::chrono::abs(*now - *told);
  return difference > *told / 5 && difference > std::chrono::milliseconds(1);
}

}  // namespace

void Outbox::renew(Items::value_type& item) {
  by_version_.erase(item.second.version);
  item.second.version = ++version_;
  item.second.told = item.second.observation.round_trip;
  by_version_.emplace(version_, &item);
}

void Outbox::put(const std::vector<SeenRelay>& seen) {
  for (const auto& [id, observation] : seen) {
    const auto [found, is_new] = items_.try_emplace(id);
    auto& known = found->second.observation;
    const bool changed =
        is_new || !same_opinion(known, observation) || is_news(found->second.told, observation.round_trip);
    known = observation;
    if (changed) renew(*found);
  }
}

void Outbox::keep_only(const std::vector<RelayId>& relays) {
  const std::set<RelayId> wanted(relays.begin(), relays.end());
  const auto taken_back = std::erase_if(items_, [&](const auto& item) {
    if (wanted.contains(item.first)) return false;
    by_version_.erase(item.second.version);
    return true;
  });
  if (taken_back > 0) ++epoch_;
}

void Outbox::expire(SteadyTime now) {
  for (auto& item : items_) {
    auto& observation = item.second.observation;
    // One that is not usable stands: its canary speaks up when the relay answers again.
    if (!observation.usable || observation.blind || now - observation.at < vouched_for) continue;
    observation.blind = true;
    renew(item);
  }
}

void Outbox::take(Cursor& cursor, SteadyTime now, v1::ObservationBatch& batch) const {
  const bool complete = cursor.epoch_ != epoch_;
  batch.set_complete(complete);
  const auto first = complete ? by_version_.begin() : by_version_.upper_bound(cursor.version_);
  for (auto at = first; at != by_version_.end(); ++at) {
    const auto& [id, item] = *at->second;
    to_proto(id, item.observation, now, *batch.add_observations());
  }
  cursor.version_ = version_;
  cursor.epoch_ = epoch_;
}

std::set<std::string> Outbox::clusters() const {
  std::set<std::string> names;
  for (const auto& [id, item] : items_) names.insert(id.cluster);
  return names;
}

}  // namespace turnkeeper::monitor
