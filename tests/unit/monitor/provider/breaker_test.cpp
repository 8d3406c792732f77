#include "monitor/provider/breaker.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using State = Breaker::State;

constexpr double unlucky = 1;

TEST(Breaker, AStumbleIsTriedAgainSoonAndForgotten) {
  Breaker breaker;
  EXPECT_EQ(breaker.failed({}, unlucky), 1s);
  EXPECT_EQ(breaker.state(), State::closed);
  breaker.ask_again();
  breaker.answered();
  EXPECT_EQ(breaker.failed({}, unlucky), 1s) << "the next one is a first one again";
}

TEST(Breaker, AProviderThatStaysAwayIsAskedSeldomAndFoundAgainByOneQuestion) {
  Breaker breaker;
  (void)breaker.failed({}, unlucky);
  EXPECT_EQ(breaker.failed({}, unlucky), 2s);
  EXPECT_EQ(breaker.failed({}, unlucky), 30s);
  EXPECT_EQ(breaker.state(), State::open);
  breaker.ask_again();
  EXPECT_EQ(breaker.state(), State::half_open);
  EXPECT_EQ(breaker.failed({}, unlucky), 60s) << "one failed question is enough";
  EXPECT_EQ(breaker.state(), State::open);
  breaker.ask_again();
  breaker.answered();
  EXPECT_EQ(breaker.state(), State::closed);
}

TEST(Breaker, NoPauseIsLongerThanFiveMinutes) {
  Breaker breaker;
  std::chrono::milliseconds pause{0};
  for (int i = 0; i < 100; ++i) {
    breaker.ask_again();
    pause = breaker.failed({.refused = true, .retry_after = {}}, unlucky);
  }
  EXPECT_EQ(pause, 5min);
}

TEST(Breaker, AWrongKeyIsNotSentThreeTimesInThreeSeconds) {
  Breaker breaker;
  EXPECT_EQ(breaker.failed({.refused = true, .retry_after = {}}, unlucky), 30s);
  EXPECT_EQ(breaker.state(), State::open);
}

TEST(Breaker, AProviderThatSaysWhenIsBelieved) {
  Breaker breaker;
  EXPECT_EQ(breaker.failed({.refused = false, .retry_after = 7s}, unlucky), 7s);
  EXPECT_EQ(breaker.state(), State::open) << "it asked for less";
}

TEST(Breaker, MonitorsThatFailTogetherDoNotComeBackTogether) {
  Breaker lucky;
  Breaker other;
  EXPECT_EQ(lucky.failed({}, 0), 500ms);
  EXPECT_EQ(other.failed({}, 0.5), 750ms);
}

}  // namespace
}  // namespace turnkeeper::monitor
