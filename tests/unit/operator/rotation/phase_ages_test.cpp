#include "operator/rotation/phase_ages.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using Phase = api::SigningKey::Phase;

class PhaseAges : public ::testing::Test {
 protected:
  [[nodiscard]] SystemTime::duration look() {
    sights = see(sights, {key}, clock.system(), clock.steady());
    return age(sights, key, clock.steady());
  }
  ManualClock clock;
  api::SigningKey key{
      .id = "k1", .secret = Secret("s"), .phase = Phase::retiring, .created = clock.system(), .since = clock.system()};
  PhaseSights sights;
};

TEST_F(PhaseAges, AreNotMovedByJumpsOfTheWallClock) {
  EXPECT_EQ(look(), 0s);
  clock.advance(10min);
  clock.jump(48h);
  EXPECT_EQ(look(), 10min) << "a key would be removed two days too early";
  clock.jump(-96h);
  clock.advance(10min);
  EXPECT_EQ(look(), 20min) << "a key would stay two days too long";
}

TEST_F(PhaseAges, OfAKeyThatAnotherOperatorMovedAreTheWallClocksWord) {
  clock.advance(30 * 24h);
  EXPECT_EQ(look(), 30 * 24h);
}

TEST_F(PhaseAges, BeginNowWhenTheClockWasWrong) {
  key.since = clock.system() + 87600h;
  EXPECT_EQ(look(), 0s) << "ten years would have to pass";
  clock.advance(1h);
  EXPECT_EQ(look(), 1h);
}

TEST_F(PhaseAges, BeginAgainWithANewPhase) {
  clock.advance(1h);
  EXPECT_EQ(look(), 1h);
  key.phase = Phase::removed;
  key.since = clock.system();
  EXPECT_EQ(look(), 0s);
}

TEST_F(PhaseAges, ForgetKeysThatAreGone) {
  EXPECT_EQ(look(), 0s);
  EXPECT_TRUE(see(sights, {}, clock.system(), clock.steady()).empty());
}

}  // namespace
}  // namespace turnkeeper::op
