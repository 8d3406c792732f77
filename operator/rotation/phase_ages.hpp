// How long each key has been in its phase, by clocks that may jump. Pure.
//
// A key's `since` is wall time, because it must outlive the process that wrote it. A process that has seen the key
// before knows better: it counts from then on by the steady clock. So a jump of the wall clock while an operator runs
// neither removes a key too early nor keeps it too long; time during which no operator ran is the wall clock's word.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "turnkeeper/api/signing_keys.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::op {

// Which key, in which phase, since when.
using PhaseOfKey = std::tuple<std::string, api::SigningKey::Phase, SystemTime>;
[[nodiscard]] inline PhaseOfKey phase_of(const api::SigningKey& key) {
  return {key.id, key.phase, key.since};
}

// What was known when this process met it.
struct PhaseSight {
  SystemTime::duration age;  // never negative: a `since` in the future counts as now
  SteadyTime at;
  bool operator==(const PhaseSight&) const = default;
};

// Lives as long as the process; empty at its start.
using PhaseSights = std::map<PhaseOfKey, PhaseSight>;

// Those of `before` that are still so, and what is new in `keys`.
[[nodiscard]] PhaseSights see(const PhaseSights& before, const api::SigningKeys& keys, SystemTime now,
                              SteadyTime steady);

// The key must have been seen.
[[nodiscard]] SystemTime::duration age(const PhaseSights& sights, const api::SigningKey& key, SteadyTime steady);

}  // namespace turnkeeper::op
