#include "monitor/verdict/judge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  const auto& judgement = sees("here", false, Cause::connect_timeout);
  EXPECT_EQ(judgement.verdict, Verdict::unhealthy);
  EXPECT_EQ(judgement.cause, Cause::connect_timeout);
  EXPECT_EQ(judgement.since, clock_.steady());
}

TEST_F(JudgeTest, ABrokenLineAtOneOfThreeVantagesMovesNobody) {
  sees("eu", true);
  sees("us", true);
  EXPECT_EQ(sees("ap", false, Cause::connect_timeout).verdict, Verdict::degraded);
  EXPECT_EQ(state_.judgement.cause, Cause::connect_timeout);
  EXPECT_TRUE(usable(state_.judgement.verdict));
  EXPECT_EQ(sees("us", false, Cause::connect_refused).verdict, Verdict::unhealthy);
}

TEST_F(JudgeTest, ATieMovesNobody) {
  sees("eu", true);
  EXPECT_EQ(sees("us", false, Cause::connect_timeout).verdict, Verdict::degraded);
}

TEST_F(JudgeTest, AVantageThatWentSilentHasNoSay) {
  sees("gone", false, Cause::connect_timeout);
  sees("also-gone", false, Cause::connect_timeout);
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
  sees("here", false, Cause::connect_timeout);
  const auto began = clock_.steady();
  clock_.advance(1s);
  EXPECT_EQ(sees("here", false, Cause::connect_refused).since, began);
  EXPECT_EQ(state_.judgement.cause, Cause::connect_refused);
}

TEST_F(JudgeTest, ARelayThatCameBackIsTrustedAfterASecondOfEchoes) {
  sees("here", true);
  sees("here", false, Cause::connect_timeout);
  clock_.advance(3s);
  EXPECT_EQ(time_to_return(), 1s);
}

TEST_F(JudgeTest, EachFallOfAFlappingRelayDoublesTheWaitUpToAMinute) {
  sees("here", true);
  std::vector<std::chrono::milliseconds> waits;
  for (int i = 0; i < 8; ++i) {
    sees("here", false, Cause::connect_timeout);
    clock_.advance(1s);
    waits.push_back(time_to_return());
  }
  EXPECT_THAT(waits, testing::ElementsAre(1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s));
}

TEST_F(JudgeTest, ARelapseDuringTheQuietTimeStartsItAgain) {
  sees("here", true);
  sees("here", false, Cause::connect_timeout);
  EXPECT_EQ(echoes_for(900ms), Verdict::unhealthy);
  sees("here", false, Cause::connect_timeout);
  EXPECT_EQ(echoes_for(900ms), Verdict::unhealthy);
  EXPECT_EQ(echoes_for(200ms), Verdict::healthy);
}

TEST_F(JudgeTest, TheQuietTimeEndsWithoutANewObservation) {
  sees("here", false, Cause::connect_timeout);
  sees("here", true);
  ASSERT_TRUE(state_.judge_again);
  EXPECT_EQ(*state_.judge_again - clock_.steady(), 1s);
  clock_.advance(1s);
  EXPECT_EQ(judge_now().verdict, Verdict::healthy);
}

TEST_F(JudgeTest, TenQuietMinutesForgiveEarlierFalls) {
  for (int i = 0; i < 4; ++i) {
    sees("here", false, Cause::connect_timeout);
    time_to_return();
  }
  EXPECT_EQ(echoes_for(10min), Verdict::healthy);
  sees("here", false, Cause::connect_timeout);
  EXPECT_EQ(time_to_return(), 1s);
}

TEST_F(JudgeTest, AVantageThatSawNothingAtAllAbstains) {
  sees("eu", true);
  sees("us", true);
  observations_.push_back({"blind", false, Cause::connect_timeout, "", clock_.steady(), true});
  observations_.push_back({"blind-too", false, Cause::connect_timeout, "", clock_.steady(), true});
  observations_.push_back({"and-too", false, Cause::connect_timeout, "", clock_.steady(), true});
  EXPECT_EQ(judge_now().verdict, Verdict::healthy);
}

TEST_F(JudgeTest, WithOnlyBlindVantagesTheVerdictStaysWhateverItWas) {
  sees("here", false, Cause::connect_refused);
  observations_[0] = {"here", false, Cause::connect_timeout, "", clock_.steady(), true};
  clock_.advance(1s);
  EXPECT_EQ(judge_now().verdict, Verdict::unhealthy);
  EXPECT_EQ(state_.judgement.cause, Cause::connect_refused);
  state_ = {};
  sees("here", true);
  observations_[0] = {"here", false, Cause::connect_timeout, "", clock_.steady(), true};
  EXPECT_EQ(judge_now().verdict, Verdict::healthy);
}

TEST_F(JudgeTest, DrainingAndDeadVotesTogetherKeepClientsAway) {
  sees("eu", true);
  sees("us", true, Cause::draining);
  EXPECT_EQ(sees("ap", false, Cause::connect_timeout).verdict, Verdict::draining);
  EXPECT_EQ(sees("eu", false, Cause::connect_timeout).verdict, Verdict::unhealthy);
}

TEST_F(JudgeTest, ARelayThatItsOwnerTakesOutOfServiceIsDrainingAlsoWhenItIsGone) {
  policy_.draining = true;
  EXPECT_EQ(sees("here", true).verdict, Verdict::draining);
  EXPECT_EQ(sees("here", false, Cause::connect_refused).verdict, Verdict::draining);
}

}  // namespace
}  // namespace turnkeeper::monitor
