// Does this vantage see at all? When every relay falls silent at once, it is asked whether anything else still answers:
// other monitors, the operator, the default gateway. Pure.
//
// A vantage that is blind abstains: its observations are marked so, and no verdict changes by them.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "turnkeeper/api/health.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

// What this vantage knows of the world other than relays (sight.hpp finds it out).
struct Surroundings {
  // The kernel says that there is no way out: the default route or its interface went away, or the gateway's neighbour
  // entry failed. Never set on a machine that had no default route to begin with.
  bool cut_off = false;
  // The newest sign of life of the default gateway; nothing: there is none, or it never answered.
  std::optional<SteadyTime> gateway_answered;
  // The newest message of another monitor or of the operator. They are farther than the gateway, which may answer from
  // this very machine (a pod's does), so that with them known the gateway's word counts for nothing.
  std::optional<SteadyTime> link_heard;
};

// How quiet the relays are. Those on this machine's own loopback are left out: they say nothing of the network.
struct RelaySilence {
  std::optional<SteadyTime> since;  // the newest sign of life of any of them; nothing: there never was one
  std::size_t regions = 0;          // those that still had a living relay right before
  // A relay's next sign of life was not due earlier: what was heard before that proves nothing.
  std::chrono::nanoseconds due = std::chrono::milliseconds(200);
};

struct SightPolicy {
  std::chrono::nanoseconds link_timeout = std::chrono::seconds(3);  // a stream without a message for so long is dead
  std::chrono::nanoseconds doubt =
      std::chrono::seconds(60);  // without proof either way, blindness is not presumed longer
};

// With all relays silent. In this order:
//   1. something else was heard since they fell silent: sighted (a link, or, where none is known, the gateway);
//   2. cut off, or all links dead: blind;
//   3. relays of several regions fell silent in one moment: blind is likelier than that they all died, for `doubt`;
//   4. else sighted: relays of one region may well die together.
// A wrong "blind" costs little: with every relay silent there is none to move clients to.
[[nodiscard]] bool is_blind(const RelaySilence& silence, const Surroundings& surroundings, SteadyTime now,
                            const SightPolicy& policy = {});

// Might blindness be the reason of this failure: nothing of the relay was heard. A refusal was an answer.
[[nodiscard]] bool is_silence(api::Cause cause);

}  // namespace turnkeeper::monitor
