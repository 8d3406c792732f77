#include "monitor/sight/blindness.hpp"

namespace turnkeeper::monitor {

bool is_blind(const RelaySilence& silence, const Surroundings& surroundings, SteadyTime now,
              const SightPolicy& policy) {
  const auto heard_in_silence = [&](SteadyTime heard) {
    return !silence.since || heard - *silence.since > silence.due;
  };
  if (surroundings.link_heard) {
    const bool dead = now - *surroundings.link_heard > policy.link_timeout;
    if (!dead && heard_in_silence(*surroundings.link_heard)) return false;
    if (dead || surroundings.cut_off) return true;
  } else {
    if (surroundings.cut_off) return true;
    if (surroundings.gateway_answered && heard_in_silence(*surroundings.gateway_answered)) return false;
  }
  return silence.regions >= 2 && silence.since && now - *silence.since <= policy.doubt;
}

bool is_silence(api::Cause cause) {
  using enum api::Cause;
  return cause == connect_timeout || cause == unreachable || cause == dns || cause == internal;
}

}  // namespace turnkeeper::monitor
