#include "operator/plan/autoscale.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;

ScaleInput load(int current, const std::vector<std::optional<int>>& sessions) {
  ScaleInput input{.policy = {.min = 2, .max = 10, .sessions_per_relay = 500, .megabits_per_relay = 0},
                   .current = current,
                   .loads = {},
                   .low_since = std::nullopt,
                   .now = noon};
  for (const auto& count : sessions) input.loads.push_back({.sessions = count, .megabits = std::nullopt});
  return input;
}

TEST(Autoscale, AddsAtOnceWhatTheLoadAsksFor) {
  EXPECT_EQ(autoscale(load(2, {500, 500})).replicas, 2);
  EXPECT_EQ(autoscale(load(2, {501, 500})).replicas, 3);
  const auto rush = autoscale(load(2, {2000, 1800}));
  EXPECT_EQ(rush.replicas, 8);
  EXPECT_EQ(rush.why, "3800 sessions, 500 a relay");
  EXPECT_EQ(autoscale(load(2, {9000, 9000})).replicas, 10) << "not beyond its bound";
}

TEST(Autoscale, ARelayThatHasJustStartedDoesNotAskForMore) {
  EXPECT_EQ(autoscale(load(3, {600, 600})).replicas, 3) << "the third one is starting";
  EXPECT_EQ(autoscale(load(3, {600, 600, 0})).replicas, 3);
}

TEST(Autoscale, CountsOneThatIsNotHeardLikeTheOthers) {
  EXPECT_EQ(autoscale(load(2, {700, std::nullopt})).replicas, 3);
  EXPECT_EQ(autoscale(load(2, {std::nullopt, std::nullopt})).replicas, 2);
}

TEST(Autoscale, CountsTheTrafficToo) {
  auto input = load(2, {10, 10});
  input.policy.megabits_per_relay = 400;
  for (auto& relay : input.loads) relay.megabits = 500;
  const auto decision = autoscale(input);
  EXPECT_EQ(decision.replicas, 3);
  EXPECT_EQ(decision.why, "1000 Mbit/s, 400 a relay");
}

TEST(Autoscale, TakesOneAwayAfterFiveQuietMinutes) {
  auto input = load(4, {100, 100, 100, 100});
  auto decision = autoscale(input);
  EXPECT_EQ(decision.replicas, 4);
  EXPECT_EQ(decision.low_since, noon);
  EXPECT_EQ(decision.look_again, noon + 5min);
  input.low_since = decision.low_since;
  input.now = noon + 299s;
  EXPECT_EQ(autoscale(input).replicas, 4);
  input.now = noon + 5min;
  decision = autoscale(input);
  EXPECT_EQ(decision.replicas, 3) << "one at a time";
  input.low_since = decision.low_since;
  input.now = noon + 6min;
  EXPECT_EQ(autoscale(input).replicas, 3) << "until it is gone: its clients are moved before";
}

TEST(Autoscale, DoesNotTakeAwayWhatWouldFillTheOthersAgain) {
  EXPECT_EQ(autoscale(load(3, {240, 240, 240})).low_since, std::nullopt) << "720 in two relays is more than 70 %";
  EXPECT_EQ(autoscale(load(3, {230, 230, 230})).low_since, noon);
}

TEST(Autoscale, TakesNothingAwayOnHearsay) {
  auto input = load(3, {0, 0, std::nullopt});
  input.low_since = noon - 1h;
  EXPECT_EQ(autoscale(input).replicas, 3);
  EXPECT_EQ(autoscale(input).low_since, std::nullopt);
  input = load(3, {0, 0});
  input.low_since = noon - 1h;
  EXPECT_EQ(autoscale(input).replicas, 3) << "one does not serve: its load is with the others, for how long?";
}

TEST(Autoscale, StaysWithinItsBounds) {
  EXPECT_EQ(autoscale(load(0, {})).replicas, 2);
  EXPECT_EQ(autoscale(load(12, {})).replicas, 10);
  auto input = load(2, {0, 0});
  input.low_since = noon - 1h;
  EXPECT_EQ(autoscale(input).replicas, 2);
}

TEST(Autoscale, AddsNothingOnceTheBudgetIsSpentAndSaysSo) {
  auto input = load(2, {900, 900});
  input.may_grow = false;
  EXPECT_EQ(autoscale(input).replicas, 2);
  EXPECT_EQ(autoscale(input).why, "1800 sessions, 500 a relay; not scaled up, because the budget is spent");
}

}  // namespace
}  // namespace turnkeeper::op
