// Token buckets: how often somebody may ask. Pure; bounded memory.
//
//   RateLimit limit({.per_second = 20, .burst = 100});
//   if (const auto wait = limit.take("192.0.2.1", clock.steady())) refuse("Retry-After", *wait);
#pragma once

#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::monitor {

struct Rate {
  double per_second = 0;  // above 0
  double burst = 1;       // at once, after a quiet time; at least 1
  bool operator==(const Rate&) const = default;
};

// "20/s", "600/m", "1000/h", with a burst "20/s:100"; without one it is what comes in ten seconds. "off": nothing.
[[nodiscard]] Result<std::optional<Rate>> parse_rate(std::string_view text);

class RateLimit {
 public:
  // Remembers the `most` whom it saw last; who is forgotten begins with a full bucket.
  explicit RateLimit(Rate rate, std::size_t most = 16384) : rate_(rate), most_(most) {}
  RateLimit(RateLimit&&) = default;  // no copy: the names by which buckets are found lie in the buckets

  // Nothing: go ahead, it is counted. Otherwise: after that many seconds there is room for one; nothing was counted.
  [[nodiscard]] std::optional<std::chrono::seconds> take(const std::string& who, SteadyTime now);
  // The same without counting.
  [[nodiscard]] std::optional<std::chrono::seconds> wait(const std::string& who, SteadyTime now) const;
  [[nodiscard]] std::size_t size() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::string who;
    double tokens;
    SteadyTime at;
  };
  [[nodiscard]] double tokens(const Bucket& bucket, SteadyTime now) const;
  [[nodiscard]] std::optional<std::chrono::seconds> until_one(double tokens) const;

  Rate rate_;
  std::size_t most_;
  std::list<Bucket> buckets_;  // the one seen last first
  std::unordered_map<std::string_view, std::list<Bucket>::iterator> by_name_;
};

}  // namespace turnkeeper::monitor
