#include "turnkeeper/base/clock.hpp"

#include <gtest/gtest.h>

#include "turnkeeper/base/deadline.hpp"

namespace turnkeeper {
namespace {

using namespace std::chrono_literals;

TEST(ManualClock, MovesBothTimesTogetherAndJumpsOne) {
  ManualClock clock;
  const auto steady = clock.steady();
  const auto system = clock.system();
  clock.advance(90s);
  EXPECT_EQ(clock.steady() - steady, 90s);
  EXPECT_EQ(clock.system() - system, 90s);
  clock.jump(-1h);
  EXPECT_EQ(clock.steady() - steady, 90s);
  EXPECT_EQ(clock.system() - system, 90s - 1h);
}

TEST(Deadline, IsSharedByTheStepsOfAnOperation) {
  ManualClock clock;
  const auto whole = Deadline::after(clock, 5s);
  EXPECT_EQ(whole.within(clock, 1s).remaining(clock), 1s);
  clock.advance(4500ms);
  EXPECT_EQ(whole.within(clock, 1s).remaining(clock), 500ms);
  clock.advance(1s);
  EXPECT_TRUE(whole.expired(clock));
  EXPECT_EQ(whole.remaining(clock), 0s);
}

TEST(Rfc3339, IsWhatKubernetesReads) {
  EXPECT_EQ(rfc3339(SystemTime(1785585600s)), "2026-08-01T12:00:00Z");
}

TEST(Rfc3339, IsReadInAllItsForms) {
  EXPECT_EQ(parse_rfc3339("2026-08-01T12:00:00Z"), SystemTime(1785585600s));
  EXPECT_EQ(parse_rfc3339("2026-08-01T14:30:00+02:30"), SystemTime(1785585600s));
  EXPECT_EQ(parse_rfc3339("2026-08-01T07:00:00-05:00"), SystemTime(1785585600s));
  EXPECT_EQ(parse_rfc3339("2026-08-01T12:00:00.250000Z"), SystemTime(1785585600s) + 250ms);
  EXPECT_EQ(parse_rfc3339("2028-02-29T00:00:00Z").map(rfc3339), "2028-02-29T00:00:00Z");
}

TEST(Rfc3339, RefusesWhatIsNoTime) {
  // Beyond what nanoseconds since 1970 reach.
  EXPECT_FALSE(parse_rfc3339("2276-01-31T00:00:00Z").has_value());
  EXPECT_FALSE(parse_rfc3339("1666-01-31T00:00:00Z").has_value());
  for (const char* text :
       {"", "yesterday", "2026-08-01", "2026-08-01T12:00:00", "2026-08-01 12:00:00Z", "2026-13-01T12:00:00Z",
        "2026-02-29T12:00:00Z", "2026-08-01T24:00:00Z", "2026-08-01T12:60:00Z", "2026-08-01T12:00:00.Z",
        "2026-08-01T12:00:00.5", "2026-08-01T12:00:00+2:00", "2026-08-01T12:00:00Zulu"}) {
    EXPECT_FALSE(parse_rfc3339(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace turnkeeper
