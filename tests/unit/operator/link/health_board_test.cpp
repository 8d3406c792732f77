#include "operator/link/health_board.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;

class HealthBoardTest : public ::testing::Test {
 protected:
  static v1::HealthReport report(const std::string& vantage, const std::string& cluster, const std::string& verdict) {
    v1::HealthReport out;
    out.set_vantage(vantage);
    auto* relay = out.add_relays();
    relay->set_cluster(cluster);
    relay->set_region("eu");
    relay->set_relay("eu-0");
    relay->set_verdict(verdict);
    return out;
  }
  ManualClock clock;
  std::vector<std::string> changed;
  HealthBoard board{clock, [this](const std::string& cluster) { changed.push_back(cluster); }};
};

TEST_F(HealthBoardTest, WakesOnlyForNews) {
  board.report(report("paris", "ns/a", "Healthy"));
  EXPECT_EQ(changed, std::vector<std::string>{"ns/a"});
  clock.advance(10s);
  board.report(report("paris", "ns/a", "Healthy"));
  EXPECT_EQ(changed.size(), 1U) << "a monitor repeats itself every 10 s";
  board.report(report("paris", "ns/a", "Unhealthy"));
  EXPECT_EQ(changed.size(), 2U);
}

TEST_F(HealthBoardTest, NumbersWakeAtMostEveryTenSeconds) {
  auto message = report("paris", "ns/a", "Healthy");
  auto& agent = *message.mutable_relays(0)->mutable_agent();
  agent.set_sessions(1);
  board.report(message);
  for (const unsigned sessions : {2U, 3U, 4U}) {
    clock.advance(3s);
    agent.set_sessions(sessions);
    board.report(message);
  }
  EXPECT_EQ(changed.size(), 1U);
  clock.advance(1s);
  board.report(message);
  EXPECT_EQ(changed.size(), 2U) << "sessions that changed 1 s ago must not be forgotten";
  clock.advance(10s);
  board.report(message);
  EXPECT_EQ(changed.size(), 2U) << "nothing has changed since";
}

TEST_F(HealthBoardTest, WhatARotationWaitsForWakesAtOnce) {
  auto message = report("paris", "ns/a", "Healthy");
  auto& relay = *message.mutable_relays(0);
  auto& proof = *relay.add_keys();
  proof.set_key("k2");
  board.report(message);
  proof.mutable_at()->set_seconds(7);
  board.report(message);
  EXPECT_EQ(changed.size(), 1U) << "refused again";
  proof.set_accepted(true);
  board.report(message);
  EXPECT_EQ(changed.size(), 2U);
  relay.mutable_certificate()->set_serial("0a1b");
  board.report(message);
  EXPECT_EQ(changed.size(), 3U);
  relay.mutable_agent()->set_draining(true);
  board.report(message);
  EXPECT_EQ(changed.size(), 4U);
}

TEST_F(HealthBoardTest, AVantageThatComesBackIsNews) {
  board.report(report("paris", "ns/a", "Healthy"));
  clock.advance(31s);
  board.report(report("paris", "ns/a", "Healthy"));
  EXPECT_EQ(changed.size(), 2U);
}

TEST_F(HealthBoardTest, AClusterThatIsNoLongerMentionedIsNews) {
  board.report(report("paris", "ns/a", "Healthy"));
  board.report(report("paris", "ns/b", "Healthy"));
  EXPECT_EQ(changed, (std::vector<std::string>{"ns/a", "ns/a", "ns/b"}));
  EXPECT_TRUE(board.reports("ns/a").empty());
}

TEST_F(HealthBoardTest, KeepsTheNewestOfEachVantageWithItsAge) {
  board.report(report("paris", "ns/a", "Healthy"));
  clock.advance(20s);
  board.report(report("tokyo", "ns/a", "Unhealthy"));
  clock.jump(1h);
  const auto reports = board.reports("ns/a");
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(clock.system() - reports[0].heard, 20s) << "a jump of the wall clock makes nobody stale";
  EXPECT_EQ(clock.system() - reports[1].heard, 0s);
  EXPECT_EQ(reports[1].relays.at("eu-0").verdict, api::Verdict::unhealthy);
}

TEST_F(HealthBoardTest, ARemovedVantageIsForgotten) {
  board.report(report("paris", "ns/a", "Healthy"));
  clock.advance(11min);
  board.report(report("tokyo", "ns/a", "Healthy"));
  ASSERT_EQ(board.reports("ns/a").size(), 1U);
}

}  // namespace
}  // namespace turnkeeper::op
