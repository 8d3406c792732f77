#include "monitor/canary/canary_state.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

// A relay and the network to it, played against a canary's decisions in simulated time.
class CanaryStateTest : public ::testing::Test {
 protected:
  struct Seen {
    SteadyTime at;
    bool usable = false;
    api::Cause cause = api::Cause::none;
  };

  void begin(CanaryPolicy policy = {}) {
    state.emplace(policy, clock.steady(), [] { return 0.5; });
    settle();
  }

  // Carries out what the state asks for.
  void settle() {
    while (const auto action = state->poll()) {
      if (const auto* establish = std::get_if<CanaryState::Establish>(&*action)) {
        attempts.push_back({clock.steady(), *establish});
        live.insert(establish->attempt);
        if (alive) {
          // Allocate twice, ChannelBind, echo.
          later(4 * round_trip, [this, attempt = establish->attempt] {
            made_by[attempt] = generation;
            if (live.contains(attempt)) state->on_standing(attempt, round_trip, clock.steady());
          });
        } else {
          later(refuses ? round_trip : establish->budget, [this, attempt = establish->attempt] {
            if (live.contains(attempt)) state->on_failed(attempt, {death, "dead"}, clock.steady());
          });
        }
      } else if (const auto* echo = std::get_if<CanaryState::SendEcho>(&*action)) {
        ++echoes;
        const auto sequence = ++sequences[echo->attempt];
        const bool lost = drop > 0 && drop-- > 0;
        if (alive && !lost && made_by[echo->attempt] == generation) {
          later(round_trip, [this, attempt = echo->attempt, sequence] {
            if (live.contains(attempt)) state->on_echo(attempt, sequence, round_trip, clock.steady());
          });
        } else if (!alive && refuses) {
          later(round_trip, [this, attempt = echo->attempt] {
            if (live.contains(attempt))
              state->on_failed(attempt, {api::Cause::connect_refused, "refused"}, clock.steady());
          });
        }
      } else if (const auto* challenge = std::get_if<CanaryState::Challenge>(&*action)) {
        if (alive && made_by[challenge->attempt] != generation) {
          later(challenge_delay + round_trip, [this, attempt = challenge->attempt] {
            if (live.contains(attempt)) state->on_failed(attempt, {api::Cause::restarted, "437"}, clock.steady());
          });
        }
      } else if (const auto* release = std::get_if<CanaryState::Release>(&*action)) {
        live.erase(release->attempt);
      } else if (const auto* report = std::get_if<CanaryState::Report>(&*action)) {
        reports.push_back({clock.steady(), report->usable, report->diagnosis.cause});
      } else {
        ++losses;
      }
    }
  }

  void later(nanoseconds delay, std::function<void()> action) {
    network.emplace(clock.steady() + delay, std::move(action));
  }

  void run_for(nanoseconds time) {
    const auto end = clock.steady() + time;
    for (;;) {
      auto next = state->next_timeout();
      if (!network.empty()) next = std::min(next, network.begin()->first);
      if (next > end) break;
      if (next > clock.steady()) clock.advance(next - clock.steady());
      if (!network.empty() && network.begin()->first <= clock.steady()) {
        const auto action = std::move(network.begin()->second);
        network.erase(network.begin());
        action();
      } else {
        state->on_time(clock.steady());
      }
      settle();
    }
    clock.advance(end - clock.steady());
  }

  void die(api::Cause cause = api::Cause::connect_timeout) {
    alive = false;
    death = cause;
    ++generation;
    died_at = clock.steady();
  }

  [[nodiscard]] const Seen* first_unusable() const {
    const auto found = std::ranges::find_if(reports, [](const Seen& seen) { return !seen.usable; });
    return found == reports.end() ? nullptr : &*found;
  }

  ManualClock clock;
  std::optional<CanaryState> state;
  bool alive = true;
  bool refuses = false;
  api::Cause death = api::Cause::connect_timeout;
  int generation = 0;  // allocations of an earlier one are gone
  nanoseconds round_trip = 1ms;
  nanoseconds challenge_delay = 0ms;
  int drop = 0;  // that many echoes get lost
  SteadyTime died_at;
  std::multimap<SteadyTime, std::function<void()>> network;
  std::map<int, int> made_by;
  std::map<int, std::uint64_t> sequences;
  std::set<int> live;
  std::vector<std::pair<SteadyTime, CanaryState::Establish>> attempts;
  std::vector<Seen> reports;
  int echoes = 0;
  int losses = 0;
};

TEST_F(CanaryStateTest, AHealthyRelayIsReportedUsableEachSecondFromOneAllocation) {
  begin();
  run_for(10s);
  EXPECT_EQ(attempts.size(), 1U);
  EXPECT_NEAR(echoes, 100, 2);
  EXPECT_NEAR(static_cast<double>(reports.size()), 10, 1);
  EXPECT_EQ(first_unusable(), nullptr);
  EXPECT_EQ(losses, 0);
}

TEST_F(CanaryStateTest, DeathIsReportedWithinHalfASecondWheneverItComes) {
  for (auto phase = 0ms; phase < 100ms; phase += 1ms) {
    clock.advance(1h);
    network.clear();
    reports.clear();
    alive = true;
    begin();
    run_for(2s + phase);
    die();
    run_for(600ms);
    ASSERT_NE(first_unusable(), nullptr) << "died " << phase.count() << " ms after an echo";
    EXPECT_LT(first_unusable()->at - died_at, 500ms) << "died " << phase.count() << " ms after an echo";
    EXPECT_EQ(first_unusable()->cause, api::Cause::connect_timeout);
  }
}

TEST_F(CanaryStateTest, ARefusedPathIsReportedWithTheNextEcho) {
  begin();
  run_for(2050ms);
  refuses = true;
  die(api::Cause::connect_refused);
  run_for(150ms);
  ASSERT_NE(first_unusable(), nullptr);
  EXPECT_EQ(first_unusable()->cause, api::Cause::connect_refused);
}

TEST_F(CanaryStateTest, OneLossOrTwoAreCountedButAlarmNobody) {
  begin();
  run_for(1s);
  drop = 2;
  run_for(2s);
  EXPECT_EQ(losses, 2);
  EXPECT_EQ(attempts.size(), 1U);
  EXPECT_EQ(first_unusable(), nullptr);
}

TEST_F(CanaryStateTest, AMissIsFollowedByQuickEchoesUntilOneReturns) {
  begin();
  run_for(1s);
  drop = 4;
  run_for(2s);
  EXPECT_EQ(losses, 4);
  EXPECT_EQ(attempts.size(), 1U);
  EXPECT_NEAR(echoes, 30 + 4, 3);
  EXPECT_EQ(first_unusable(), nullptr);
}

TEST_F(CanaryStateTest, ALongSilenceOfALivingRelayCostsOneAllocationAndNoAlarm) {
  begin();
  run_for(1s);
  drop = 12;
  run_for(2s);
  EXPECT_EQ(attempts.size(), 2U);
  EXPECT_EQ(first_unusable(), nullptr);
  EXPECT_EQ(live.size(), 1U) << "an allocation was left behind";
}

TEST_F(CanaryStateTest, ADeadRelayIsNotFloodedByTheQuickEchoes) {
  begin();
  run_for(1s);
  const auto before = echoes;
  die();
  run_for(450ms);
  ASSERT_NE(first_unusable(), nullptr);
  EXPECT_GE(echoes - before, 24) << "fewer are not enough to tell loss from death";
  EXPECT_LE(echoes - before, 24 + 5);
}

TEST_F(CanaryStateTest, ARelayThatAnswersTheFreshAllocationAtLeastIsGivenTimeToFinishIt) {
  begin();
  run_for(1s);
  die(api::Cause::data_path);
  while (!state->suspects()) run_for(1ms);
  state->on_heard(attempts.back().second.attempt);  // a challenge, say
  run_for(300ms);
  EXPECT_EQ(first_unusable(), nullptr);
  run_for(1s);
  ASSERT_NE(first_unusable(), nullptr);
  EXPECT_EQ(first_unusable()->cause, api::Cause::data_path) << "and judged by what became of it";
}

TEST_F(CanaryStateTest, ARelayThatHasNoRoomForTheFreshAllocationIsNotDeadWhileAnEchoMayReturn) {
  begin();
  run_for(1s);
  drop = 15;
  while (!state->suspects()) run_for(1ms);
  state->on_failed(attempts.back().second.attempt, {api::Cause::quota, "486"}, clock.steady());
  settle();
  run_for(2s);
  EXPECT_EQ(first_unusable(), nullptr);
  EXPECT_FALSE(state->suspects());
}

TEST_F(CanaryStateTest, ADeadPathThatAlsoRefusesTheFreshAllocationHasItsCause) {
  begin();
  run_for(1s);
  die();
  while (!state->suspects()) run_for(1ms);
  state->on_failed(attempts.back().second.attempt, {api::Cause::quota, "486"}, clock.steady());
  settle();
  run_for(400ms);
  ASSERT_NE(first_unusable(), nullptr);
  EXPECT_EQ(first_unusable()->cause, api::Cause::quota);
}

TEST_F(CanaryStateTest, APathOfSixtyMillisecondsStillDiesWithinHalfASecond) {
  for (auto phase = 0ms; phase < 100ms; phase += 7ms) {
    clock.advance(1h);
    network.clear();
    live.clear();
    reports.clear();
    alive = true;
    round_trip = 60ms;
    begin();
    run_for(3s + phase);
    die();
    run_for(600ms);
    ASSERT_NE(first_unusable(), nullptr);
    EXPECT_LT(first_unusable()->at - died_at, 500ms) << "died " << phase.count() << " ms after an echo";
  }
}

TEST_F(CanaryStateTest, AStandstillDuringASuspicionIsNotTakenForDeath) {
  begin();
  run_for(1s);
  drop = 30;
  while (!state->suspects()) run_for(1ms);
  clock.advance(10s);  // SIGSTOP; the confirming allocation's deadline is over when the process goes on
  drop = 0;
  network.clear();
  state->on_failed(attempts.back().second.attempt, {api::Cause::connect_timeout, "deadline"}, clock.steady());
  settle();
  run_for(2s);
  EXPECT_EQ(first_unusable(), nullptr);
}

TEST_F(CanaryStateTest, WhenSightComesBackADeadRelayIsTriedAtOnce) {
  begin();
  run_for(1s);
  refuses = true;
  die(api::Cause::connect_refused);
  run_for(10s);
  alive = true;
  const auto before = attempts.size();
  state->recheck(clock.steady());
  settle();
  if (attempts.size() == before) GTEST_FAIL() << "it waits out its pause";
  run_for(100ms);
  EXPECT_TRUE(reports.back().usable);
}

TEST_F(CanaryStateTest, ManyCanariesShareTheirWakeUps) {
  begin();
  run_for(1s);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(state->next_timeout().time_since_epoch() % 2ms, 0ns);
    run_for(13ms);
  }
}

TEST_F(CanaryStateTest, ARelayRestartedFasterThanAnybodyLookedIsReportedBecauseItsCallsAreCut) {
  for (const auto delay : {0ms, 50ms}) {  // its answer comes before the fresh allocation stands, or after
    challenge_delay = delay;
    clock.advance(1h);
    network.clear();
    live.clear();
    attempts.clear();
    reports.clear();
    begin();
    run_for(1s);
    ++generation;
    run_for(2s);
    ASSERT_NE(first_unusable(), nullptr);
    EXPECT_EQ(first_unusable()->cause, api::Cause::restarted);
    EXPECT_EQ(std::ranges::count_if(reports, [](const Seen& seen) { return !seen.usable; }), 1);
    EXPECT_EQ(attempts.size(), 2U);
    EXPECT_TRUE(reports.back().usable);
    EXPECT_EQ(live.size(), 1U) << "an allocation was left behind";
  }
}

TEST_F(CanaryStateTest, AnAllocationThatExpiredWhileThisProcessStoodStillIsNoRestart) {
  begin();
  run_for(1s);
  clock.advance(11min);
  ++generation;
  run_for(5s);
  EXPECT_EQ(first_unusable(), nullptr);
  EXPECT_TRUE(reports.back().usable);
}

TEST_F(CanaryStateTest, AnEchoThatReturnsEndsTheSuspicion) {
  round_trip = 20ms;  // so that the confirmation takes longer than the gap
  begin();
  run_for(1s);
  drop = 14;
  while (!state->suspects()) run_for(1ms);
  alive = false;  // the confirming allocation gets nowhere ...
  run_for(1ms);
  alive = true;  // ... but the echoes are back
  run_for(2s);
  EXPECT_FALSE(state->suspects());
  EXPECT_EQ(first_unusable(), nullptr);
  EXPECT_EQ(live.size(), 1U);
}

TEST_F(CanaryStateTest, ADeadRelayIsTriedAtMostOnceASecondAndComesBack) {
  begin();
  run_for(1s);
  refuses = true;  // the fastest way to fail
  die(api::Cause::connect_refused);
  run_for(60s);
  for (std::size_t i = 3; i < attempts.size(); ++i) {
    EXPECT_GE(attempts[i].first - attempts[i - 1].first, 1s);
    EXPECT_LE(attempts[i].first - attempts[i - 1].first, 7s);
  }
  EXPECT_GE(attempts.size(), 10U);
  EXPECT_FALSE(reports.back().usable);
  // The newest word is never older than the longest backoff, so that it stays fresh.
  EXPECT_LT(clock.steady() - reports.back().at, 7s);

  alive = true;
  run_for(7s);
  EXPECT_TRUE(reports.back().usable);
  EXPECT_EQ(live.size(), 1U);
}

TEST_F(CanaryStateTest, ARelayThatNeverWorkedIsReportedWithItsCause) {
  alive = false;
  refuses = true;
  death = api::Cause::auth_secret;
  begin();
  run_for(10ms);
  ASSERT_NE(first_unusable(), nullptr);
  EXPECT_EQ(first_unusable()->cause, api::Cause::auth_secret);
}

TEST_F(CanaryStateTest, RenewalLeavesNoGap) {
  begin();
  run_for(1s);
  const auto before = echoes;
  state->renew(clock.steady());
  settle();
  EXPECT_EQ(live.size(), 2U);  // the old one stands until the new one does
  run_for(1s);
  EXPECT_EQ(live, std::set<int>{2});
  EXPECT_GE(echoes - before, 9);
  EXPECT_EQ(losses, 0);
  EXPECT_EQ(first_unusable(), nullptr);
}

TEST_F(CanaryStateTest, AFailedRenewalKeepsTheOldAllocation) {
  begin();
  run_for(1s);
  state->renew(clock.steady());
  const int attempt = 2;
  state->on_failed(attempt, {api::Cause::auth_secret, "401"}, clock.steady());
  settle();
  run_for(1s);
  EXPECT_TRUE(live.contains(1));
  EXPECT_EQ(first_unusable(), nullptr);
  state->renew(clock.steady());
  settle();
  EXPECT_EQ(attempts.back().second.attempt, 3);
}

TEST_F(CanaryStateTest, ASlowPathIsGivenItsRoundTrips) {
  round_trip = 250ms;
  begin();
  run_for(10s);
  EXPECT_EQ(losses, 0);
  EXPECT_EQ(first_unusable(), nullptr);
  die();
  run_for(5s);
  const auto& confirm = attempts[1].second;
  EXPECT_GT(confirm.budget, 4 * round_trip);
  ASSERT_NE(first_unusable(), nullptr);
  EXPECT_LT(first_unusable()->at - died_at, 3s);
}

TEST_F(CanaryStateTest, AfterThisProcessStoodStillNothingIsBelievedDead) {
  begin();
  run_for(1s);
  clock.advance(10min);
  run_for(5s);
  EXPECT_EQ(first_unusable(), nullptr);
  EXPECT_LE(echoes, 65);
}

TEST_F(CanaryStateTest, LateNewsOfForgottenAttemptsChangesNothing) {
  begin();
  run_for(1s);
  const auto attempts_before = attempts.size();
  state->on_failed(99, {api::Cause::connect_timeout, ""}, clock.steady());
  state->on_echo(98, 1, 1ms, clock.steady());
  state->on_standing(97, 1ms, clock.steady());
  settle();
  run_for(1s);
  EXPECT_EQ(attempts.size(), attempts_before);
  EXPECT_EQ(first_unusable(), nullptr);
  EXPECT_EQ(live, std::set<int>{1});
}

TEST_F(CanaryStateTest, ARestingCanaryLooksOftenAndHoldsNothing) {
  begin();
  run_for(1s);
  ASSERT_EQ(live.size(), 1U);
  state->rest(true, clock.steady());
  settle();
  EXPECT_TRUE(live.empty()) << "the drain would wait for it";
  const auto before = attempts.size();
  const auto echoes_before = echoes;
  reports.clear();
  run_for(10s);
  EXPECT_GE(attempts.size() - before, 8U);
  EXPECT_LE(attempts.size() - before, 11U);
  EXPECT_EQ(echoes, echoes_before);
  EXPECT_GE(reports.size(), 8U) << "it is seen all the time";
  EXPECT_EQ(first_unusable(), nullptr);
  EXPECT_TRUE(live.empty());
  state->rest(false, clock.steady());
  settle();
  run_for(1s);
  EXPECT_EQ(live.size(), 1U);
  EXPECT_GT(echoes, echoes_before + 5);
}

TEST_F(CanaryStateTest, ARelayThatDiesWhileItDrainsIsSeenToDie) {
  begin();
  run_for(1s);
  state->rest(true, clock.steady());
  settle();
  run_for(2s);
  die(api::Cause::connect_refused);
  run_for(4s);
  ASSERT_NE(first_unusable(), nullptr);
  EXPECT_EQ(first_unusable()->cause, api::Cause::connect_refused);
}

TEST_F(CanaryStateTest, WhatIsLetGoOfStandsAgainUnlessTheRelayRefuses) {
  begin();
  run_for(1s);
  die(api::Cause::draining);
  refuses = true;
  state->let_go(clock.steady());
  settle();
  EXPECT_TRUE(live.empty());
  run_for(3s);
  ASSERT_NE(first_unusable(), nullptr);
  EXPECT_EQ(first_unusable()->cause, api::Cause::draining);
  alive = true;
  run_for(10s);
  EXPECT_EQ(live.size(), 1U);
  EXPECT_TRUE(reports.back().usable);
}

}  // namespace
}  // namespace turnkeeper::monitor
