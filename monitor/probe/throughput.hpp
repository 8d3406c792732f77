// How much a relay carries, measured through an echo: what to send, and what came back. Off unless asked for.
#pragma once

#include <chrono>
#include <cstddef>

namespace turnkeeper::monitor {

// `packets` payloads of `size` bytes, evenly at `per_second`. At most max_packets, max_size, max_per_second and 10 s of
// sending in all: bounded() makes it so.
struct ThroughputPlan {
  int packets = 500;
  int size = 1200;
  int per_second = 500;
  bool operator==(const ThroughputPlan&) const = default;
};
inline constexpr int max_throughput_packets = 20'000;
inline constexpr int max_throughput_size = 1400;
inline constexpr int min_throughput_size = 32;
inline constexpr int max_throughput_per_second = 4000;
[[nodiscard]] ThroughputPlan bounded(ThroughputPlan plan);

struct Throughput {
  int sent = 0;
  int received = 0;
  int size = 0;
  std::chrono::nanoseconds took{0};  // from the first packet sent to the last one heard
  // Payload that came back.
  [[nodiscard]] double bits_per_second() const;
  [[nodiscard]] double loss() const;  // 0 to 1
  bool operator==(const Throughput&) const = default;
};

// The largest IP packet that went to the relay and came back, fragmentation forbidden on the way there. The search ends
// at 1500 bytes.
struct PathMtu {
  int bytes = 0;
  bool operator==(const PathMtu&) const = default;
};

}  // namespace turnkeeper::monitor
