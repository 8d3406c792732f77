// Whether coturn is wedged: it runs, may even answer Binding, and lets every Allocate hang. Only a restart cures that,
// and a restart cuts calls; so what counts is silence alone, and for long. Pure.
//
//   Liveness liveness(30s);
//   liveness.started(clock.steady());               // of each coturn process
//   liveness.saw(check.answered, clock.steady());   // of each patient check, several within those 30 s
//   if (!liveness.alive(clock.steady())) ...
//
// Any answer is life: a refused key, a full quota, a drain.
#pragma once

#include <chrono>
#include <optional>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::agent {

class Liveness {
 public:
  explicit Liveness(std::chrono::nanoseconds patience) : patience_(patience) {}

  // A coturn begins: what the one before it did counts no more, and silence counts from now on at the earliest.
  void started(SteadyTime now);
  // It ended, or drains: nothing counts until the next one begins.
  void stopped();
  void saw(bool answered, SteadyTime now);
  // An error when at least three checks in a row went unanswered, the first of them `patience` ago.
  [[nodiscard]] Result<> alive(SteadyTime now) const;

 private:
  std::chrono::nanoseconds patience_;
  bool counts_ = false;
  int unanswered_ = 0;
  SteadyTime silent_since_;
};

}  // namespace turnkeeper::agent
