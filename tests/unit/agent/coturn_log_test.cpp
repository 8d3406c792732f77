#include "agent/coturn_log.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::agent {
namespace {

using namespace std::chrono_literals;

constexpr const char* taken = "0: : Trying to bind fd 17 to <127.0.0.1:3478>: errno=98";

TEST(CoturnLogTest, SaysAProblemOnceAndThatItLasts) {
  ManualClock clock;
  CoturnLog log;
  EXPECT_FALSE(log.add("0: : hello", clock.steady()).first_seen);
  auto finding = log.add(taken, clock.steady());
  ASSERT_TRUE(finding.first_seen);
  EXPECT_FALSE(finding.lasting);
  clock.advance(4s);
  finding = log.add(taken, clock.steady());
  EXPECT_FALSE(finding.first_seen);
  EXPECT_FALSE(finding.lasting);
  clock.advance(1s);
  EXPECT_TRUE(log.add(taken, clock.steady()).lasting);
}

TEST(CoturnLogTest, ANewStartIsANewChance) {
  ManualClock clock;
  CoturnLog log;
  log.add(taken, clock.steady());
  log.restart();
  clock.advance(10s);
  const auto finding = log.add(taken, clock.steady());
  EXPECT_TRUE(finding.first_seen);
  EXPECT_FALSE(finding.lasting);
}

TEST(CoturnLogTest, KeepsTheLastWordsShort) {
  CoturnLog log;
  EXPECT_EQ(log.last_words(), "");
  for (const char* line : {"one", "two", "", "three", "four", "five", "six"}) log.add(line, {});
  EXPECT_EQ(log.last_words(), "two | three | four | five | six");
  log.add(std::string(500, 'x'), {});
  EXPECT_EQ(log.last_words(), "three | four | five | six | " + std::string(500, 'x'));
  log.add(std::string(5000, 'y'), {});
  EXPECT_EQ(log.last_words(), std::string(600, 'y'));
}

}  // namespace
}  // namespace turnkeeper::agent
