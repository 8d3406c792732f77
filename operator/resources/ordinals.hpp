// The numbers of a region's relays: those that its StatefulSet's spec.ordinals.start and spec.replicas ask for.
//
//   for (const int ordinal : ordinals_of(region)) names.push_back(relay_name(region.name, ordinal));
#pragma once

#include <algorithm>
#include <ranges>

#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

struct Ordinals {
  int start = 0;
  int count = 0;

  [[nodiscard]] int after_last() const { return start + count; }
  [[nodiscard]] bool contains(int ordinal) const { return ordinal >= start && ordinal < after_last(); }
  [[nodiscard]] bool contains(const Ordinals& other) const {
    return other.start >= start && other.after_last() <= after_last();
  }
  [[nodiscard]] auto begin() const { return std::views::iota(start, after_last()).begin(); }
  [[nodiscard]] auto end() const { return std::views::iota(start, after_last()).end(); }
  bool operator==(const Ordinals&) const = default;
};

// All of both, and what is between them.
[[nodiscard]] inline Ordinals spanning(const Ordinals& a, const Ordinals& b) {
  const int start = std::min(a.start, b.start);
  return {.start = start, .count = std::max(a.after_last(), b.after_last()) - start};
}

[[nodiscard]] inline Ordinals ordinals_of(const api::Region& region) {
  return {.start = region.relay.first_ordinal, .count = region.relay.replicas};
}

}  // namespace turnkeeper::op
