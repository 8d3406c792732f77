#include "agent/liveness.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::agent {
namespace {

using namespace std::chrono_literals;

class LivenessTest : public testing::Test {
 protected:
  LivenessTest() { liveness_.started(clock_.steady()); }
  void see(bool answered, int times) {
    for (int i = 0; i < times; ++i) {
      clock_.advance(10s);
      liveness_.saw(answered, clock_.steady());
    }
  }
  bool alive() { return liveness_.alive(clock_.steady()).has_value(); }

  ManualClock clock_;
  Liveness liveness_{30s};
};

TEST_F(LivenessTest, IsOverAfterThirtySecondsOfSilence) {
  see(false, 3);
  EXPECT_TRUE(alive());
  see(false, 1);
  EXPECT_FALSE(alive());
}

TEST_F(LivenessTest, OneAnswerEndsTheSilence) {
  see(false, 3);
  see(true, 1);
  see(false, 3);
  EXPECT_TRUE(alive());
}

TEST_F(LivenessTest, AFewLostChecksAreNoProof) {
  see(false, 2);
  clock_.advance(1h);
  EXPECT_TRUE(alive()) << "the machine may have slept";
}

TEST_F(LivenessTest, EachStartBeginsAnew) {
  see(false, 10);
  ASSERT_FALSE(alive());
  liveness_.started(clock_.steady());
  EXPECT_TRUE(alive());
  see(false, 3);
  EXPECT_TRUE(alive());
  see(false, 1);
  EXPECT_FALSE(alive());
}

TEST_F(LivenessTest, ARelayThatIsStoppedOrDrainsIsNotDead) {
  see(false, 10);
  liveness_.stopped();
  EXPECT_TRUE(alive());
  see(false, 10);
  EXPECT_TRUE(alive());
}

}  // namespace
}  // namespace turnkeeper::agent
