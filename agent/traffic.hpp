// How much a relay's machine sends and receives, in the kernel's own words. That is the relay's traffic only in a
// network namespace of its own: the kernel does not count by process.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::agent {

struct Traffic {
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_bytes = 0;
  bool operator==(const Traffic&) const = default;
};

// /proc/net/dev, all interfaces but the loopback. Pure.
[[nodiscard]] Result<Traffic> parse_net_dev(std::string_view text);

// Counts from the first sample on.
//
//   TrafficCounter counter;
//   counter.add(clock.steady(), *parse_net_dev(text));   // every few seconds
//   counter.total(); counter.bits_per_second();
class TrafficCounter {
 public:
  void add(SteadyTime now, const Traffic& sample);
  // Since the first sample; nothing before it.
  [[nodiscard]] std::optional<Traffic> total() const;
  // Both directions, averaged over the last minute, or as long as there are samples. Nothing before the second one.
  [[nodiscard]] std::optional<std::uint64_t> bits_per_second() const;

 private:
  struct Sample {
    SteadyTime at;
    Traffic traffic;
  };
  std::optional<Traffic> first_;
  std::deque<Sample> window_;  // the last one that is a minute old or older, and all later ones
};

}  // namespace turnkeeper::agent
