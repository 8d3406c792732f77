// What the other vantages' word counts for, as FleetHealth finds it out.
#include <algorithm>
#include <utility>

#include "monitor/service/fleet_health.hpp"
#include "monitor/verdict/lost_together.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t remembered_vantages = 64;
// A vantage that was cut off from us, and perhaps from the relays too, has this long to look again before what it says
// against them outweighs what this one sees: longer than a canary's longest pause.
constexpr auto settle = 10s;
// After this process stood still, its news are not to be taken for old before canaries and vantages had time to speak.
constexpr auto wake_up = 2s;

}  // namespace

std::uint32_t FleetHealth::vantage_number(const std::string& name) {
  auto found = std::ranges::find(vantages_, name, &Vantage::name);
  if (found == vantages_.end()) {
    // Of those that are gone for good the number is used again.
    if (vantages_.size() >= remembered_vantages) {
      found = std::ranges::find_if(vantages_, [](const Vantage& vantage) { return vantage.gone; });
    }
    if (found == vantages_.end()) found = vantages_.insert(vantages_.end(), Vantage{});
    *found = {.name = name, .since = clock_.steady()};
    order_soon();
  } else if (found->gone || was_silent(*found, clock_.steady())) {
    found->gone = false;
    found->came_back = true;
    found->since = clock_.steady();
  }
  return static_cast<std::uint32_t>(found - vantages_.begin());
}

bool FleetHealth::was_silent(const Vantage& vantage, SteadyTime now) const {
  if (!vantage.heard_at) return false;
  return now - std::max({*vantage.heard_at, vantage.since, awake_at_.value_or(vantage.since)}) > SilencePolicy{}.doubt;
}

void FleetHealth::heard_from(const std::string& name, SteadyTime at) {
  notice_standstill(clock_.steady());
  if (name == vantage_) return;
  const auto number = vantage_number(name);
  auto& vantage = vantages_[number];
  if (std::exchange(alone_until_, std::nullopt)) {
    for (auto& [id, record] : relays_) judge_again(record);
  }
  const auto silence = vantage.heard_at ? at - *vantage.heard_at : 0s;
  vantage.heard_at = std::max(at, vantage.heard_at.value_or(at));
  if (silence <= SilencePolicy{}.doubt) return;
  // Some of its votes had come to count for nothing.
  for (auto& [id, record] : relays_) {
    if (std::ranges::find(record.seen, number, &RelayRecord::Seen::vantage) != record.seen.end()) judge_again(record);
  }
}

void FleetHealth::forget_vantage(const std::string& name) {
  const auto found = std::ranges::find(vantages_, name, &Vantage::name);
  if (found == vantages_.end() || found == vantages_.begin()) return;
  const auto number = static_cast<std::uint32_t>(found - vantages_.begin());
  found->gone = true;
  for (auto& [id, record] : relays_) {
    if (std::erase_if(record.seen, [&](const auto& seen) { return seen.vantage == number; }) > 0) judge_again(record);
  }
}

SteadyTime FleetHealth::stood_at(const RelayRecord& relay, const RelayRecord::Seen& seen, SteadyTime now) const {
  // The canary runs in this process and speaks up when the relay answers again; until then it is dead.
  if (seen.vantage == own && !seen.observation.usable) return now;
  auto at = seen.observation.at;
  if (seen.vantage != own) at = std::max(at, vantages_[seen.vantage].heard_at.value_or(at));
  if (awake_at_) {
    const auto freshness = std::chrono::duration_cast<SteadyTime::duration>(relay.policy.freshness);
    at = std::max(at, *awake_at_ + wake_up - freshness);
  }
  return at;
}

Observation FleetHealth::ballot(const RelayRecord& relay, const RelayRecord::Seen& seen, SteadyTime now,
                                std::optional<SteadyTime>& recount_at) const {
  Observation ballot = seen.observation;
  ballot.at = stood_at(relay, seen, now);
  const auto until = [&](SteadyTime at) { recount_at = std::min(at, recount_at.value_or(at)); };
  if (seen.vantage == own && alone_until_ && now < *alone_until_) {
    until(*alone_until_);
    ballot.blind = true;
  }
  const auto& first = relay.seen.front();
  if (seen.vantage == own || first.vantage != own) return ballot;
  const auto& vantage = vantages_[seen.vantage];
  const bool seen_here = first.observation.usable && now - stood_at(relay, first, now) <= relay.policy.freshness;
  const auto& mine = first.observation;
  const bool silent_here = !mine.usable && !mine.blind && is_silence(mine.cause) && relay.heard_at;
  if (seen_here && !ballot.usable) {
    const bool settles = vantage.came_back && now - vantage.since < settle && seen.turned >= vantage.since;
    if (settles) until(vantage.since + settle);
    ballot.blind = ballot.blind || settles;
  } else if (silent_here && ballot.usable && vantage.heard_at && heard_at_) {
    const auto ends = word_ends({*vantage.heard_at, *relay.heard_at, *heard_at_, awake_at_}, now);
    if (ends && *ends > now) until(*ends);
    ballot.blind = ballot.blind || (ends && *ends <= now);
  }
  return ballot;
}

std::vector<Vote> FleetHealth::votes(const RelayRecord& relay, SteadyTime now) const {
  std::vector<Vote> votes;
  std::optional<SteadyTime> ignored;
  for (const auto& seen : relay.seen) {
    const auto word = ballot(relay, seen, now, ignored);
    votes.push_back({word.vantage, word.usable, word.blind, word.cause, now - word.at});
  }
  return votes;
}

}  // namespace turnkeeper::monitor
