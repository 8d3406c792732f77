#include "operator/plan/roll.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using api::Verdict;

const std::map<std::string, std::string> newest = {{"eu", "new"}, {"us", "new"}};

struct World {
  std::vector<RelayPod> pods = {relay("eu", 0, "old"), relay("eu", 1, "old"), relay("us", 0, "old")};
  ClusterHealth health = cluster_health({report()}, noon);

  [[nodiscard]] std::string next() const {
    const auto* pod = next_to_roll(two_regions(), pods, health, newest);
    return pod == nullptr ? "" : pod->relay;
  }
};

TEST(Roll, RenewsOnePodAtATimeUntilAllAreNew) {
  World world;
  EXPECT_EQ(world.next(), "eu-0");
  world.pods[0].deleting = true;
  EXPECT_EQ(world.next(), "") << "its calls are being drained";
  world.pods.erase(world.pods.begin());
  EXPECT_EQ(world.next(), "") << "it is not back yet";
  world.pods.insert(world.pods.begin(), relay("eu", 0, "new"));
  world.pods[0].ready = false;
  EXPECT_EQ(world.next(), "");
  world.pods[0].ready = true;
  world.health.relays["eu-0"].verdict = Verdict::unhealthy;
  EXPECT_EQ(world.next(), "") << "ready, but no allocation succeeded on it";
  world.health.relays.erase("eu-0");
  EXPECT_EQ(world.next(), "") << "not proven is not enough either";
  world.health.relays["eu-0"].verdict = Verdict::healthy;
  EXPECT_EQ(world.next(), "eu-1");
  world.pods[1] = relay("eu", 1, "new");
  EXPECT_EQ(world.next(), "us-0");
  world.pods[2] = relay("us", 0, "new");
  EXPECT_EQ(world.next(), "");
}

TEST(Roll, GoesByReadinessWhenNoMonitorIsHeard) {
  World world;
  world.health = {};
  EXPECT_EQ(world.next(), "eu-0");
  world.pods[2].ready = false;
  world.pods[2].revision = "new";
  EXPECT_EQ(world.next(), "");
}

TEST(Roll, TakesNoWorkingRelayWhileAnotherIsDown) {
  World world;
  world.health.relays["us-0"] = {.verdict = Verdict::unhealthy};
  EXPECT_EQ(world.next(), "us-0") << "the one that is down may well be cured by it";
  world.pods[2].revision = "new";
  EXPECT_EQ(world.next(), "");
}

TEST(Roll, RenewsAPodThatNeverBecameReadyAtOnce) {
  World world;
  world.pods[1].ready = false;
  EXPECT_EQ(world.next(), "eu-1") << "a template that could not start must be replaceable by one that can";
}

TEST(Roll, TouchesNoPodWhoseNewestTemplateIsUnknown) {
  const World world;
  EXPECT_EQ(next_to_roll(two_regions(), world.pods, world.health, {}), nullptr);
  EXPECT_EQ(next_to_roll(two_regions(), world.pods, world.health, {{"eu", ""}}), nullptr);
}

}  // namespace
}  // namespace turnkeeper::op
