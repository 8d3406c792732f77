// From observations to a verdict. Pure: the caller owns the time, the past and the wake-up.
//
//   RelayState state;                                   // one for each relay, kept by the caller
//   state = judge(observations, state, policy, clock.steady());
//   if (state.judge_again) timer.expires_at(*state.judge_again);
//   publish(state.judgement);
//
// The vantages with fresh observations vote; one that was blind abstains. In this order:
//   most cannot use it, or say that it drains: Unhealthy or Draining, whichever more of those say (Draining, if as
//   many) anybody complains: Degraded, so a tie moves nobody else Healthy
// One vantage alone decides alone. With all fresh observations blind nothing is known better than before, and the
// verdict stays.
//
// A relay that was Unhealthy returns only after it has been usable without a break for a quiet time, which doubles with
// each fall: clients are not sent back and forth by a relay that flaps.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "monitor/verdict/observation.hpp"

namespace turnkeeper::monitor {

struct Policy {
  std::chrono::nanoseconds freshness = std::chrono::seconds(5);    // an older observation counts for nothing
  std::chrono::nanoseconds first_quiet = std::chrono::seconds(1);  // before the first return
  std::chrono::nanoseconds longest_quiet = std::chrono::seconds(60);
  std::chrono::nanoseconds forget = std::chrono::minutes(10);  // quiet for so long: earlier falls are forgotten
  bool draining = false;  // being taken out of service by its owner: Draining, whatever is seen
};

struct Judgement {
  api::Verdict verdict = api::Verdict::unknown;
  api::Cause cause = api::Cause::none;
  std::string detail;
  SteadyTime since;  // when this verdict began; a change of cause alone does not move it
};

struct RelayState {
  Judgement judgement;
  int falls = 0;                           // times it became Unhealthy since it was last quiet for `forget`
  std::optional<SteadyTime> usable_since;  // the present unbroken run of usable judgements
  // Until then this judgement, which another monitor remembered, holds without an observation.
  std::optional<SteadyTime> remembered_until;
  // When the same observations may give another judgement: a quiet time ends or an observation goes stale.
  std::optional<SteadyTime> judge_again;
};

// How long a relay that has fallen `falls` times (1 or more) must be usable before clients are sent to it again.
[[nodiscard]] std::chrono::nanoseconds quiet_time(int falls, const Policy& policy);

// `observations`: the newest of each vantage, fresh or not. A default-constructed `previous` is a relay never seen: its
// first usable observation makes it Healthy at once.
[[nodiscard]] RelayState judge(std::span<const Observation> observations, const RelayState& previous,
                               const Policy& policy, SteadyTime now);

// May a client be sent to a relay with this verdict: Healthy and Degraded.
[[nodiscard]] bool usable(api::Verdict verdict);

}  // namespace turnkeeper::monitor
