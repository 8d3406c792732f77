// One relay's series that change with each echo, reached without a look-up.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "monitor/metrics/histogram.hpp"

namespace turnkeeper::monitor {

// From Metrics::series(). Constant time, no memory; the monitor's thread only.
class RelaySeries {
 public:
  static constexpr std::array<double, 10> echo_bounds = {.0005, .001, .0025, .005, .01, .025, .05, .1, .2, .4};

  void echo_sent() { ++sent_; }
  void echo_received(std::chrono::nanoseconds round_trip) {
    echo_.observe(std::chrono::duration<double>(round_trip).count());
  }
  void echo_lost() { ++lost_; }
  // What this vantage, on its own, makes of the relay: vantages that disagree can be told apart by it.
  void observed(bool usable) { usable_ = usable; }

  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  [[nodiscard]] const Histogram<10>& round_trips() const { return echo_; }
  [[nodiscard]] std::optional<bool> usable() const { return usable_; }

 private:
  std::uint64_t sent_ = 0;
  std::uint64_t lost_ = 0;
  Histogram<10> echo_{echo_bounds};
  std::optional<bool> usable_;
};

}  // namespace turnkeeper::monitor
