// Where time comes from. Everything that measures or waits takes a Clock, so that tests own the time.
// Thread-safe: yes, both implementations.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper {

using SteadyTime = std::chrono::steady_clock::time_point;  // for intervals and deadlines; never jumps
using SystemTime = std::chrono::system_clock::time_point;  // for what leaves the process: expiries, timestamps

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SteadyTime steady() const = 0;
  [[nodiscard]] virtual SystemTime system() const = 0;
};

// The machine's clock; lives as long as the process.
const Clock& real_clock();

// A clock that moves when told to.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(SystemTime start = SystemTime(std::chrono::seconds(1'700'000'000)));
  [[nodiscard]] SteadyTime steady() const override;
  [[nodiscard]] SystemTime system() const override;
  void advance(std::chrono::nanoseconds by);
  // Moves the wall clock only, as an administrator or NTP would.
  void jump(std::chrono::nanoseconds by);

 private:
  mutable std::mutex mutex_;
  SteadyTime steady_;
  SystemTime system_;
};

// Unix seconds, the form in which expiries cross process borders.
[[nodiscard]] inline std::int64_t unix_seconds(SystemTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// RFC 3339 in UTC with whole seconds, "2026-08-01T12:00:00Z": what Kubernetes' metav1.Time holds.
[[nodiscard]] std::string rfc3339(SystemTime time);
// Any RFC 3339 date-time of 1700 to 2261; a fraction of a second is kept, an offset other than Z is converted.
[[nodiscard]] Result<SystemTime> parse_rfc3339(std::string_view text);

}  // namespace turnkeeper
