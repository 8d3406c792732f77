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

}  // namespace
}  // namespace turnkeeper
