#include "monitor/access/rate_limit.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace turnkeeper::monitor {
namespace {

constexpr double most_per_unit = 1e9;
constexpr double burst_seconds = 10;

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(value > 0 && value <= most_per_unit)) return std::nullopt;
  return value;
}

std::optional<double> seconds_of(std::string_view unit) {
  if (unit == "s") return 1;
  if (unit == "m") return 60;
  if (unit == "h") return 3600;
  return std::nullopt;
}

}  // namespace

Result<std::optional<Rate>> parse_rate(std::string_view text) {
  if (text == "off") return std::nullopt;
  const auto slash = text.find('/');
  const auto colon = text.find(':');
  const auto count = number(text.substr(0, slash));
  const auto unit =
      slash == std::string_view::npos
          ? std::nullopt
          : seconds_of(text.substr(slash + 1, colon == std::string_view::npos ? colon : colon - slash - 1));
  const auto burst = colon == std::string_view::npos ? std::nullopt : number(text.substr(colon + 1));
  if (!count || !unit || (colon != std::string_view::npos && (!burst || *burst < 1))) {
    return fail("'" + std::string(text) + "' is no rate",
                "write COUNT/s, COUNT/m or COUNT/h, and :BURST behind it, such as 20/s:100; or off");
  }
  const double per_second = *count / *unit;
  return Rate{.per_second = per_second, .burst = burst.value_or(std::max(1.0, per_second * burst_seconds))};
}

double RateLimit::tokens(const Bucket& bucket, SteadyTime now) const {
  const std::chrono::duration<double> passed = now - bucket.at;
  return std::min(rate_.burst, bucket.tokens + std::max(0.0, passed.count()) * rate_.per_second);
}

std::optional<std::chrono::seconds> RateLimit::until_one(double tokens) const {
  if (tokens >= 1) return std::nullopt;
  return std::chrono::seconds(static_cast<std::int64_t>(std::ceil((1 - tokens) / rate_.per_second)));
}

std::optional<std::chrono::seconds> RateLimit::wait(const std::string& who, SteadyTime now) const {
  const auto found = by_name_.find(who);
  return found == by_name_.end() ? std::nullopt : until_one(tokens(*found->second, now));
}

std::optional<std::chrono::seconds> RateLimit::take(const std::string& who, SteadyTime now) {
  const auto found = by_name_.find(who);
  if (found == by_name_.end()) {
    if (buckets_.size() >= most_) {
      by_name_.erase(buckets_.back().who);
      buckets_.pop_back();
    }
    buckets_.push_front({who, rate_.burst - 1, now});
    by_name_.emplace(buckets_.front().who, buckets_.begin());
    return std::nullopt;
  }
  auto& bucket = *found->second;
  buckets_.splice(buckets_.begin(), buckets_, found->second);
  bucket.tokens = tokens(bucket, now);
  bucket.at = now;
  const auto wait = until_one(bucket.tokens);
  if (!wait) bucket.tokens -= 1;
  return wait;
}

}  // namespace turnkeeper::monitor
