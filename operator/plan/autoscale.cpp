#include "operator/plan/autoscale.hpp"

#include <algorithm>
#include <cmath>

namespace turnkeeper::op {
namespace {

struct Total {
  double load = 0;
  double share = 0;       // that one relay may carry; 0: does not count
  bool complete = false;  // every relay is heard
  [[nodiscard]] int relays_at(double part) const {
    return share == 0 ? 0 : static_cast<int>(std::ceil(load / (share * part)));
  }
};

template <typename Value>
Total total(const std::vector<RelayLoad>& loads, std::uint32_t share, int current, Value value) {
  Total total{.load = 0, .share = static_cast<double>(share), .complete = false};
  int heard = 0;
  for (const auto& load : loads) {
    if (const auto amount = value(load)) {
      total.load += static_cast<double>(*amount);
      ++heard;
    }
  }
  // One that serves and is not heard carries as much as the others, for all that is known.
  if (heard > 0) total.load *= static_cast<double>(loads.size()) / heard;
  total.complete = share == 0 || (heard == current && heard > 0);
  return total;
}

std::string amount_text(const Total& sessions, const Total& megabits, int by_sessions, int by_megabits) {
  if (by_sessions >= by_megabits) {
    return std::to_string(std::lround(sessions.load)) + " sessions, " + std::to_string(std::lround(sessions.share)) +
           " a relay";
  }
  return std::to_string(std::lround(megabits.load)) + " Mbit/s, " + std::to_string(std::lround(megabits.share)) +
         " a relay";
}

}  // namespace

ScaleDecision autoscale(const ScaleInput& input) {
  const auto& policy = input.policy;
  const int current = std::clamp(input.current, policy.min, policy.max);
  ScaleDecision decision{.replicas = current, .why = {}, .low_since = std::nullopt, .look_again = std::nullopt};
  if (current != input.current) {
    decision.why = "autoscaling keeps it from " + std::to_string(policy.min) + " to " + std::to_string(policy.max);
    return decision;
  }
  const auto sessions =
      total(input.loads, policy.sessions_per_relay, current, [](const RelayLoad& load) { return load.sessions; });
  const auto megabits =
      total(input.loads, policy.megabits_per_relay, current, [](const RelayLoad& load) { return load.megabits; });
  const auto needed_at = [&](double part) { return std::max(sessions.relays_at(part), megabits.relays_at(part)); };
  const auto load = [&] { return amount_text(sessions, megabits, sessions.relays_at(1), megabits.relays_at(1)); };

  if (const int needed = std::min(needed_at(1), policy.max); needed > current) {
    decision.why = load();
    if (input.may_grow) {
      decision.replicas = needed;
    } else {
      decision.why += "; not scaled up, because the budget is spent";
    }
    return decision;
  }
  const bool counts = policy.sessions_per_relay > 0 || policy.megabits_per_relay > 0;
  const bool low =
      counts && sessions.complete && megabits.complete && current > policy.min && needed_at(scale_down_share) < current;
  if (!low) return decision;
  decision.low_since = input.low_since.value_or(input.now);
  const auto due = *decision.low_since + scale_down_after;
  if (input.now < due) {
    decision.look_again = due;
    return decision;
  }
  decision.replicas = current - 1;
  decision.why = load();
  return decision;
}

}  // namespace turnkeeper::op
