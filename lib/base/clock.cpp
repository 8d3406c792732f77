#include "turnkeeper/base/clock.hpp"

#include <array>
#include <ctime>

namespace turnkeeper {
namespace {

class RealClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] SystemTime system() const override { return std::chrono::system_clock::now(); }
};

}  // namespace

const Clock& real_clock() {
  static const RealClock clock;
  return clock;
}

// The steady side starts far from zero, as on a machine that has been up for a while: code that treats the epoch as
// "never" must not pass by luck.
ManualClock::ManualClock(SystemTime start) : steady_(std::chrono::hours(100)), system_(start) {}

SteadyTime ManualClock::steady() const {
  std::lock_guard lock(mutex_);
  return steady_;
}

SystemTime ManualClock::system() const {
  std::lock_guard lock(mutex_);
  return system_;
}

void ManualClock::advance(std::chrono::nanoseconds by) {
  std::lock_guard lock(mutex_);
  steady_ += by;
  system_ += std::chrono::duration_cast<SystemTime::duration>(by);
}

void ManualClock::jump(std::chrono::nanoseconds by) {
  std::lock_guard lock(mutex_);
  system_ += std::chrono::duration_cast<SystemTime::duration>(by);
}

std::string rfc3339(SystemTime time) {
  const std::time_t seconds = unix_seconds(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace turnkeeper
