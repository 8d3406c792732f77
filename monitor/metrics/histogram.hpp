// A histogram with fixed bounds. Constant time for an observation, no lock and no memory: echoes arrive by the
// thousand each second.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace turnkeeper::monitor {

template <std::size_t N>
class Histogram {
 public:
  // Upper bounds, ascending; what is greater than the last counts under "+Inf" alone.
  using Bounds = std::array<double, N>;
  explicit Histogram(const Bounds& bounds) : bounds_(&bounds) {}  // `bounds` outlives it

  void observe(double value) {
    const auto bucket = std::lower_bound(bounds_->begin(), bounds_->end(), value) - bounds_->begin();
    ++counts_[static_cast<std::size_t>(bucket)];
    sum_ += value;
  }
  [[nodiscard]] const Bounds& bounds() const { return *bounds_; }
  [[nodiscard]] const std::array<std::uint64_t, N + 1>& counts() const { return counts_; }  // not cumulative
  [[nodiscard]] double sum() const { return sum_; }

 private:
  const Bounds* bounds_;
  std::array<std::uint64_t, N + 1> counts_{};
  double sum_ = 0;
};

}  // namespace turnkeeper::monitor
