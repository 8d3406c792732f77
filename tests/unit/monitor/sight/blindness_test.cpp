#include "monitor/sight/blindness.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

// All relays of two regions fell silent 400 ms ago.
class BlindnessTest : public testing::Test {
 protected:
  [[nodiscard]] bool blind() const { return is_blind(silence, surroundings, now); }

  const SteadyTime now{1h};
  RelaySilence silence{.since = now - 400ms, .regions = 2};
  Surroundings surroundings;
};

TEST_F(BlindnessTest, RegionsThatFallSilentInOneMomentAreMoreLikelyOurOwnLineThanAllDead) {
  EXPECT_TRUE(blind());
}

TEST_F(BlindnessTest, RelaysOfOneRegionMayWellDieTogether) {
  silence.regions = 1;
  EXPECT_FALSE(blind());
}

TEST_F(BlindnessTest, AGatewayThatStillAnswersMeansThatTheRelaysAreDead) {
  surroundings.gateway_answered = now - 10ms;
  EXPECT_FALSE(blind());
}

TEST_F(BlindnessTest, AnAnswerFromTheLastMomentBeforeTheLineBrokeProvesNothing) {
  surroundings.gateway_answered = now - 380ms;
  EXPECT_TRUE(blind());
  surroundings.link_heard = now - 380ms;
  EXPECT_TRUE(blind());
}

TEST_F(BlindnessTest, ALineThatWentAwayIsBlindnessEvenWithOneRelay) {
  silence.regions = 1;
  surroundings.cut_off = true;
  EXPECT_TRUE(blind());
  surroundings.gateway_answered = now - 10ms;  // before it went
  EXPECT_TRUE(blind());
}

TEST_F(BlindnessTest, AnotherMonitorThatIsHeardMeansThatTheRelaysAreDead) {
  surroundings.link_heard = now - 100ms;
  EXPECT_FALSE(blind());
}

TEST_F(BlindnessTest, AGatewayInThisVeryMachineDoesNotOutweighOtherMonitorsThatFellSilentToo) {
  surroundings.gateway_answered = now - 10ms;
  surroundings.link_heard = now - 900ms;
  EXPECT_TRUE(blind());
  silence = {.since = now - 10s, .regions = 1};
  surroundings.link_heard = now - 9800ms;
  EXPECT_TRUE(blind());
}

TEST_F(BlindnessTest, WithoutProofItIsNotPresumedForEver) {
  silence.since = now - 61s;
  EXPECT_FALSE(blind());
}

TEST_F(BlindnessTest, AMonitorThatNeverHeardAnythingBelievesItsGateway) {
  silence = {};
  EXPECT_FALSE(blind());
  surroundings.cut_off = true;
  EXPECT_TRUE(blind());
  surroundings = {.gateway_answered = now - 1s};
  EXPECT_FALSE(blind());
}

TEST(RelaySilence, ARefusalIsAnAnswer) {
  EXPECT_TRUE(is_silence(api::Cause::connect_timeout));
  EXPECT_TRUE(is_silence(api::Cause::dns));
  EXPECT_FALSE(is_silence(api::Cause::connect_refused));
  EXPECT_FALSE(is_silence(api::Cause::auth_secret));
}

}  // namespace
}  // namespace turnkeeper::monitor
