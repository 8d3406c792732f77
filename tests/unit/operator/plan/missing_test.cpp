#include "operator/plan/missing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

TEST(Missing, ARelayThatKubernetesRefusesToMakeIsToldWithWhereTheReasonStands) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  observed.pods.pop_back();
  auto now = noon;
  const auto pass = [&] {
    for (auto& report : observed.reports) report.heard = now;
    const auto result = plan(cluster, observed, settings(), now);
    observed.memory = result.memory;
    observed.status = result.status;
    return result;
  };
  const auto first = pass();
  EXPECT_EQ(condition(first.status, "Stalled"), "False/NoObstacle") << "a pod is made in a moment";
  ASSERT_TRUE(first.requeue);
  EXPECT_LE(*first.requeue, 2min) << "nothing else may happen";
  now += 2min;
  auto late = pass();
  EXPECT_EQ(condition(late.status, "Stalled"), "True/RelayFails") << "or it is said to be starting for ever";
  EXPECT_THAT(message(late.status, "Stalled"), HasSubstr("us-0 gets no pod"));
  EXPECT_THAT(message(late.status, "Stalled"), HasSubstr("kubectl describe statefulset calls-us"));

  observed.pods.push_back({"", pod("us", 0)});
  EXPECT_EQ(condition(pass().status, "Stalled"), "False/NoObstacle");
}

TEST(Missing, ARollThatMeetsItIsHalted) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  observed.pods = at("", {pod("eu", 0, "old"), pod("eu", 1, "old")});
  auto result = plan(cluster, observed, settings(), noon);
  observed.memory = result.memory;
  for (auto& report : observed.reports) report.heard = noon + 2min;
  result = plan(cluster, observed, settings(), noon + 2min);
  EXPECT_EQ(condition(result.status, "Stalled"), "True/RollHalted");
}

TEST(Missing, WhatIsNotSeenIsNotMissing) {
  auto cluster = two_regions();
  cluster.spec.regions[1].kubeconfig.name = "far";
  const auto missing =
      missing_relays(cluster, {relay("eu", 0), relay("eu", 1)}, {{"far", "no route"}}, {{"us-0", noon - 1h}}, noon);
  EXPECT_TRUE(missing.since.empty());
  EXPECT_FALSE(missing.halt);
}

}  // namespace
}  // namespace turnkeeper::op
