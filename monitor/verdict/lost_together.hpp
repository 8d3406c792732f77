// A vantage and a relay that fall silent in the same moment: the place where both stand is lost, or the way to it. The
// good word that the vantage gave for the relay is then not waited out until it goes stale. Pure.
//
// Clients of a lost region would wait for that whole time otherwise, wherever no majority is left that sees the loss.
// Each of these speaks against it, and the word stands as long as any:
//   - the relay answers this vantage, or was silent much before or after the other vantage: they have long disagreed
//   about it, or it died by itself
//   - nothing else is heard either: this vantage has lost its sight, or its process stood still
#pragma once

#include <chrono>
#include <optional>

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

struct SilencePolicy {
  // Both: three heartbeats of the exchange (monitor/exchange), with time for a lost TCP segment to be sent again twice.
  std::chrono::nanoseconds doubt = std::chrono::milliseconds(1'200);
  std::chrono::nanoseconds together = std::chrono::seconds(1);
  std::chrono::nanoseconds sighted = std::chrono::milliseconds(500);  // since the newest sign of life of other relays
  std::chrono::nanoseconds look_again = std::chrono::milliseconds(100);
};

struct Silences {
  SteadyTime vantage;    // when it was heard last
  SteadyTime relay;      // when the relay last answered this vantage, which cannot use it now
  SteadyTime elsewhere;  // when any relay did
  // This process stood still until then, and took nobody's silence for one.
  std::optional<SteadyTime> awake;
};

// From when on the vantage's good word for the relay counts no more, or is to be asked about again; that is so already
// when it is not later than `now`. Nothing: it stands until it goes stale.
[[nodiscard]] std::optional<SteadyTime> word_ends(const Silences& silences, SteadyTime now,
                                                  const SilencePolicy& policy = {});

}  // namespace turnkeeper::monitor
