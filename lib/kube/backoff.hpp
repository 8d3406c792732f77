// Waiting longer after each failure. Pure; not thread-safe.
#pragma once

#include <chrono>

namespace turnkeeper::kube {

// Exponential backoff with full jitter: the n-th delay is uniform in [0, min(cap, base * 2^n)).
class Backoff {
 public:
  // Kubernetes' reconnect: 800 ms doubling to 30 s.
  explicit Backoff(std::chrono::milliseconds base = std::chrono::milliseconds(800),
                   std::chrono::milliseconds cap = std::chrono::seconds(30))
      : base_(base), cap_(cap) {}
  // `unit` is a random number in [0, 1).
  [[nodiscard]] std::chrono::milliseconds next(double unit);
  void reset() { failures_ = 0; }
  [[nodiscard]] int failures() const { return failures_; }

 private:
  std::chrono::milliseconds base_;
  std::chrono::milliseconds cap_;
  int failures_ = 0;
};

}  // namespace turnkeeper::kube
