// One relay's past, bounded. Pure: time is passed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "turnkeeper/api/health.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

class RelayHistory {
 public:
  static constexpr std::chrono::seconds day{86400};
  static constexpr std::chrono::seconds point_length{15};
  static constexpr std::size_t most_points = 200;   // 50 minutes
  static constexpr std::size_t most_segments = 64;  // shorter ones are merged into their neighbours beyond that
  static constexpr std::size_t most_hours = 30 * 24;

  // From `since` to the next segment's `since`; the newest one lasts.
  struct Segment {
    SystemTime since;
    api::Verdict verdict = api::Verdict::unknown;
    api::Cause cause = api::Cause::none;
    bool operator==(const Segment&) const = default;
  };

  // The echoes of 15 seconds. Without one that came back, the times are 0.
  struct Point {
    float min_ms = 0;
    float mean_ms = 0;
    float max_ms = 0;
    std::uint16_t received = 0;
    std::uint16_t lost = 0;
  };

  // Healthy and Degraded are up, Unhealthy is down. Draining and Unknown are neither.
  struct Uptime {
    std::chrono::seconds up{0};
    std::chrono::seconds down{0};
    // 0 to 100; nothing while nothing is known.
    [[nodiscard]] std::optional<double> percent() const;
  };

  // For each echo: constant time, and no memory after the first.
  void echoed(SystemTime now, std::chrono::nanoseconds round_trip);
  void echo_lost(SystemTime now);

  void judged(SystemTime now, api::Verdict verdict, api::Cause cause);
  // `elapsed`, which ends at `now`, was spent under the present verdict.
  void count(SystemTime now, std::chrono::nanoseconds elapsed);

  // Of the last 24 hours, oldest first; the first one may have begun earlier.
  [[nodiscard]] std::vector<Segment> segments(SystemTime now) const;
  // One for each 15 s up to `now`, oldest first, empty ones among them; nothing before the first echo.
  [[nodiscard]] std::vector<Point> points(SystemTime now) const;
  [[nodiscard]] Uptime uptime(SystemTime now, std::chrono::seconds window) const;

 private:
  friend class History;  // which saves and restores it

  // Of one hour, in halves of a second.
  struct Hour {
    std::uint16_t up = 0;
    std::uint16_t down = 0;
  };

  [[nodiscard]] Point& point(SystemTime now);
  void merge_segments();

  std::vector<Segment> segments_;
  std::vector<Point> points_;    // a ring: (Unix time / 15 s) % most_points; empty before the first echo
  std::vector<Hour> hours_;      // a ring: (Unix time / 1 h) % most_hours
  std::int64_t last_point_ = 0;  // Unix time / 15 s of the newest one
  std::int64_t last_hour_ = 0;
};

}  // namespace turnkeeper::monitor
