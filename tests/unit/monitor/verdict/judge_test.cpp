#include "monitor/verdict/judge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace turnkeeper::monitor {
namespace {

using api::Cause;
using api::Verdict;
using namespace std::chrono_literals;

// One relay under one clock, judged as the service does: at each observation and whenever judge_again says so.
class JudgeTest : public testing::Test {
 protected:
  const Judgement& sees(const std::string& vantage, bool is_usable, Cause cause = Cause::none) {
    std::erase_if(observations_, [&](const auto& o) { return o.vantage == vantage; });
    observations_.push_back({vantage, is_usable, cause, "", clock_.steady()});
    return judge_now();
  }
  const Judgement& judge_now() {
    state_ = judge(observations_, state_, policy_, clock_.steady());
    return state_.judgement;
  }
  // Echoes every 100 ms for so long; returns the verdict at the end.
  Verdict echoes_for(std::chrono::milliseconds time) {
    for (auto passed = 0ms; passed < time; passed += 100ms) {
      clock_.advance(100ms);
      sees("here", true);
    }
    return state_.judgement.verdict;
  }
  // How long a client has to wait, after the relay answers again, until it is sent there.
  std::chrono::milliseconds time_to_return() {
    sees("here", true);
    auto waited = 0ms;
    while (!usable(state_.judgement.verdict) && waited < 5min) {
      clock_.advance(100ms);
      waited += 100ms;
      sees("here", true);
    }
    return waited;
  }

  ManualClock clock_;
  Policy policy_;
  RelayState state_;
  std::vector<Observation> observations_;
};

TEST_F(JudgeTest, NothingIsSaidOfARelayThatNobodyLookedAt) {
  EXPECT_EQ(judge_now().verdict, Verdict::unknown);
  EXPECT_FALSE(usable(state_.judgement.verdict));
}

TEST_F(JudgeTest, ANewRelayServesClientsFromItsFirstAllocationOn) {
  EXPECT_EQ(sees("here", true).verdict, Verdict::healthy);
}

TEST_F(JudgeTest, OneVantageAloneMovesClientsOffADeadRelayAtOnce) {
  sees("here", true);
  clock_.advance(100ms);
  const auto& judgement = sees("here", false, Cause::timeout);
  EXPECT_EQ(judgement.verdict, Verdict::unhealthy);
  EXPECT_EQ(judgement.cause, Cause::timeout);
  EXPECT_EQ(judgement.since, clock_.steady());
}

TEST_F(JudgeTest, ABrokenLineAtOneOfThreeVantagesMovesNobody) {
  sees("eu", true);
  sees("us", true);
  EXPECT_EQ(sees("ap", false, Cause::timeout).verdict, Verdict::degraded);
  EXPECT_EQ(state_.judgement.cause, Cause::timeout);
  EXPECT_TRUE(usable(state_.judgement.verdict));
  EXPECT_EQ(sees("us", false, Cause::connect).verdict, Verdict::unhealthy);
}

TEST_F(JudgeTest, ATieMovesNobody) {
  sees("eu", true);
  EXPECT_EQ(sees("us", false, Cause::timeout).verdict, Verdict::degraded);
}

TEST_F(JudgeTest, AVantageThatWentSilentHasNoSay) {
  sees("gone", false, Cause::timeout);
  sees("also-gone", false, Cause::timeout);
  clock_.advance(policy_.freshness + 1ms);
  state_ = {};
  EXPECT_EQ(sees("here", true).verdict, Verdict::healthy);
}

TEST_F(JudgeTest, OldNewsBecomeUnknownAndTheJudgeSaysWhenToLookAgain) {
  sees("here", true);
  ASSERT_TRUE(state_.judge_again);
  clock_.advance(*state_.judge_again - clock_.steady());
  EXPECT_EQ(judge_now().verdict, Verdict::unknown);
}

TEST_F(JudgeTest, ARefusedNewAllocationOnALivingRelayIsDegradedWithItsCause) {
  const auto& judgement = sees("here", true, Cause::auth_secret);
  EXPECT_EQ(judgement.verdict, Verdict::degraded);
  EXPECT_EQ(judgement.cause, Cause::auth_secret);
}

TEST_F(JudgeTest, ADrainingRelayIsNeitherDeadNorGivenToClients) {
  sees("here", true);
  EXPECT_EQ(sees("here", true, Cause::draining).verdict, Verdict::draining);
  EXPECT_FALSE(usable(state_.judgement.verdict));
  EXPECT_EQ(sees("here", false, Cause::draining).verdict, Verdict::draining);
  EXPECT_EQ(sees("here", true).verdict, Verdict::healthy) << "a drain that was called off holds nobody back";
}

TEST_F(JudgeTest, SinceIsWhenTheVerdictBeganNotWhenItsCauseChanged) {
  sees("here", false, Cause::timeout);
  const auto began = clock_.steady();
  clock_.advance(1s);
  EXPECT_EQ(sees("here", false, Cause::connect).since, began);
  EXPECT_EQ(state_.judgement.cause, Cause::connect);
}

TEST_F(JudgeTest, ARelayThatCameBackIsTrustedAfterASecondOfEchoes) {
  sees("here", true);
  sees("here", false, Cause::timeout);
  clock_.advance(3s);
  EXPECT_EQ(time_to_return(), 1s);
}

TEST_F(JudgeTest, EachFallOfAFlappingRelayDoublesTheWaitUpToAMinute) {
  sees("here", true);
  std::vector<std::chrono::milliseconds> waits;
  for (int i = 0; i < 8; ++i) {
    sees("here", false, Cause::timeout);
    clock_.advance(1s);
    waits.push_back(time_to_return());
  }
  EXPECT_THAT(waits, testing::ElementsAre(1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s));
}

TEST_F(JudgeTest, ARelapseDuringTheQuietTimeStartsItAgain) {
  sees("here", true);
  sees("here", false, Cause::timeout);
  EXPECT_EQ(echoes_for(900ms), Verdict::unhealthy);
  sees("here", false, Cause::timeout);
  EXPECT_EQ(echoes_for(900ms), Verdict::unhealthy);
  EXPECT_EQ(echoes_for(200ms), Verdict::healthy);
}

TEST_F(JudgeTest, TheQuietTimeEndsWithoutANewObservation) {
  sees("here", false, Cause::timeout);
  sees("here", true);
  ASSERT_TRUE(state_.judge_again);
  EXPECT_EQ(*state_.judge_again - clock_.steady(), 1s);
  clock_.advance(1s);
  EXPECT_EQ(judge_now().verdict, Verdict::healthy);
}

TEST_F(JudgeTest, TenQuietMinutesForgiveEarlierFalls) {
  for (int i = 0; i < 4; ++i) {
    sees("here", false, Cause::timeout);
    time_to_return();
  }
  EXPECT_EQ(echoes_for(10min), Verdict::healthy);
  sees("here", false, Cause::timeout);
  EXPECT_EQ(time_to_return(), 1s);
}

// A line that loses 20 % of everything: three echoes in a row are lost every twelve seconds or so. What keeps clients
// where they are is the confirmation: two more echoes and a fresh allocation, of which one has to come through.
TEST_F(JudgeTest, AFifthOfAllPacketsLostMovesNobodyInAnHour) {
  std::mt19937 random(20260801);
  std::bernoulli_distribution lost(0.2);
  int misses = 0;
  int suspicions = 0;
  int alarms = 0;
  sees("here", true);
  for (auto passed = 0ms; passed < 1h; passed += 100ms) {
    clock_.advance(100ms);
    misses = lost(random) ? misses + 1 : 0;
    if (misses == 0) sees("here", true);
    if (misses == 3) ++suspicions;
    if (misses < 5) continue;
    // Both requests of an allocation, each sent four times before it gives up.
    const auto unanswered = [&] { return lost(random) && lost(random) && lost(random) && lost(random); };
    const bool refuted = !unanswered() && !unanswered();
    if (!refuted) sees("here", false, Cause::timeout);
    if (state_.judgement.verdict == Verdict::unhealthy) ++alarms;
  }
  EXPECT_GT(suspicions, 100) << "the loss did not put the canary under any stress";
  EXPECT_EQ(alarms, 0);
}

}  // namespace
}  // namespace turnkeeper::monitor
