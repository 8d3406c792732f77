// A point in steady time that a whole operation shares: pass it down instead of a timeout, so that the steps together
// cannot take longer than the caller agreed to.
#pragma once

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper {

class Deadline {
 public:
  explicit Deadline(SteadyTime at) : at_(at) {}
  [[nodiscard]] static Deadline after(const Clock& clock, std::chrono::nanoseconds budget) {
    return Deadline(clock.steady() + std::chrono::duration_cast<SteadyTime::duration>(budget));
  }
  [[nodiscard]] SteadyTime at() const { return at_; }
  [[nodiscard]] bool expired(const Clock& clock) const { return clock.steady() >= at_; }
  // Never negative.
  [[nodiscard]] std::chrono::nanoseconds remaining(const Clock& clock) const {
    const auto left = at_ - clock.steady();
    return left.count() > 0 ? std::chrono::nanoseconds(left) : std::chrono::nanoseconds(0);
  }
  // The earlier of this deadline and one `budget` from now: a step's share of the whole.
  [[nodiscard]] Deadline within(const Clock& clock, std::chrono::nanoseconds budget) const {
    const Deadline step = after(clock, budget);
    return step.at_ < at_ ? step : *this;
  }

 private:
  SteadyTime at_;
};

}  // namespace turnkeeper
