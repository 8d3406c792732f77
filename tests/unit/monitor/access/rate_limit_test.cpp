#include "monitor/access/rate_limit.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RateLimitTest, ABurstGoesThroughAndThenTheRateHolds) {
  RateLimit limit({.per_second = 2, .burst = 3});
  SteadyTime now{};
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limit.take("a", now));
  EXPECT_EQ(limit.take("a", now), seconds(1));
  EXPECT_FALSE(limit.take("b", now)) << "one caller's requests do not count against another";
  now += milliseconds(500);
  EXPECT_FALSE(limit.take("a", now));
  EXPECT_TRUE(limit.take("a", now));
  now += seconds(3600);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limit.take("a", now));
  EXPECT_TRUE(limit.take("a", now)) << "an hour's silence is worth no more than the burst";
}

TEST(RateLimitTest, AfterTheWaitThatWasToldThereIsRoom) {
  RateLimit limit({.per_second = 1.0 / 60, .burst = 1});
  SteadyTime now{};
  EXPECT_FALSE(limit.take("a", now));
  now += milliseconds(100);
  const auto wait = limit.take("a", now);
  ASSERT_EQ(wait, seconds(60));
  EXPECT_TRUE(limit.wait("a", now));
  EXPECT_FALSE(limit.wait("b", now));
  EXPECT_FALSE(limit.take("a", now + *wait));
}

TEST(RateLimitTest, ItsMemoryIsBoundedAndWhoAsksOftenIsRemembered) {
  RateLimit limit({.per_second = 0.001, .burst = 1}, 100);
  const SteadyTime now{};
  EXPECT_FALSE(limit.take("busy", now));
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_FALSE(limit.take(std::to_string(i), now));
    EXPECT_TRUE(limit.take("busy", now));
  }
  EXPECT_EQ(limit.size(), 100U);
}

TEST(RateLimitTest, RatesAreReadAndMistakesExplained) {
  const auto rate = [](std::string_view text) { return parse_rate(text).value_or(std::nullopt); };
  EXPECT_EQ(rate("20/s:100"), (Rate{.per_second = 20, .burst = 100}));
  EXPECT_EQ(rate("20/s"), (Rate{.per_second = 20, .burst = 200}));
  EXPECT_EQ(rate("3/m"), (Rate{.per_second = 0.05, .burst = 1}));
  EXPECT_EQ(rate("3600/h:5"), (Rate{.per_second = 1, .burst = 5}));
  EXPECT_TRUE(parse_rate("off"));
  EXPECT_FALSE(rate("off"));
  for (const auto* bad : {"", "20", "/s", "0/s", "-1/s", "20/d", "20/s:", "20/s:0", "20/s:x", "nan/s", "inf/s", "1e3/s",
                          "20 /s", "20/s:5:5", "2000000000/s"}) {
    EXPECT_FALSE(parse_rate(bad)) << bad;
  }
}

}  // namespace
}  // namespace turnkeeper::monitor
