#include "operator/plan/gate.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using api::Cause;
using api::Verdict;

// "status/reason" of the one patch; empty when nothing is to be written.
std::string gate(Proof proof, std::optional<Verdict> verdict, bool containers_ready = true) {
  auto pod = relay("eu", 0);
  pod.proof = proof;
  pod.containers_ready = containers_ready;
  ClusterHealth health;
  if (verdict) {
    health = cluster_health({report({{"eu-0", {.verdict = *verdict, .cause = Cause::none, .since = noon}}})}, noon);
  }
  const auto patches = gates(two_regions(), {pod}, health, noon);
  if (patches.empty()) return "";
  const auto& condition = patches.at(0).object.at("status").at("conditions").at(0);
  EXPECT_EQ(condition.at("type"), "turnkeeper.io/proven");
  EXPECT_EQ(patches.at(0).object.at("metadata").at("uid"), "calls-eu-0-uid");
  return condition.at("status").get<std::string>() + '/' + condition.at("reason").get<std::string>();
}

TEST(Gate, OpensForARelayThatIsProven) {
  for (const auto proof : {Proof::none, Proof::never, Proof::failed}) {
    EXPECT_EQ(gate(proof, Verdict::healthy), "True/Proven");
    EXPECT_EQ(gate(proof, Verdict::degraded), "True/Proven");
  }
  EXPECT_EQ(gate(Proof::proven, Verdict::healthy), "") << "written once";
}

TEST(Gate, ClosesForOneThatCannotBeUsedAndRemembersWhetherItEverCould) {
  EXPECT_EQ(gate(Proof::proven, Verdict::unhealthy), "False/Unhealthy");
  EXPECT_EQ(gate(Proof::none, Verdict::unhealthy), "False/NotYetProven");
  EXPECT_EQ(gate(Proof::failed, Verdict::unhealthy), "");
  EXPECT_EQ(gate(Proof::never, Verdict::unhealthy), "");
}

TEST(Gate, StaysAsItWasWhenNothingIsKnownOrTheRelayDrains) {
  for (const auto verdict : {Verdict::draining, Verdict::unknown}) {
    for (const auto proof : {Proof::none, Proof::never, Proof::proven, Proof::failed}) {
      EXPECT_EQ(gate(proof, verdict), "");
    }
  }
}

TEST(Gate, DoesNotTakeTheVerdictOnAnEarlierPodForItsOwn) {
  auto pod = relay("eu", 0);
  pod.proof = Proof::none;
  pod.running = false;
  EXPECT_TRUE(gates(two_regions(), {pod}, cluster_health({report()}, noon), noon).empty());
}

TEST(Gate, FailsOpenWhenNoMonitorIsHeard) {
  EXPECT_EQ(gate(Proof::none, std::nullopt), "True/MonitorNotHeard");
  EXPECT_EQ(gate(Proof::none, std::nullopt, false), "") << "its containers are not ready";
  for (const auto proof : {Proof::never, Proof::proven, Proof::failed}) EXPECT_EQ(gate(proof, std::nullopt), "");
}

}  // namespace
}  // namespace turnkeeper::op
