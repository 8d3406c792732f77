#include "operator/plan/roll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using api::Cause;
using api::Verdict;
using testing::HasSubstr;
using testing::IsEmpty;

struct World {
  api::TurnCluster cluster = two_regions();
  std::vector<RelayPod> pods = {relay("eu", 0, "old"), relay("eu", 1, "old"), relay("us", 0, "old")};
  ClusterHealth health = cluster_health({report()}, noon);
  std::map<std::string, std::string> newest = {{"eu", "new"}, {"us", "new"}};
  Nodes nodes = {{"", {{"node-eu0", {}}, {"node-eu1", {}}, {"node-us0", {}}}}};
  std::map<std::string, std::string> unreachable;
  SystemTime now = noon;

  [[nodiscard]] Roll decide() const {
    return roll({.cluster = cluster,
                 .pods = pods,
                 .health = health,
                 .revisions = newest,
                 .nodes = nodes,
                 .unreachable = unreachable,
                 .now = now});
  }
  [[nodiscard]] std::vector<std::string> next() const {
    std::vector<std::string> names;
    for (const auto& departure : decide().leaving) names.push_back(departure.pod->relay);
    return names;
  }
  void becomes_new(std::size_t index) { pods[index] = relay(pods[index].region, pods[index].ordinal, "new"); }
};

using Names = std::vector<std::string>;

TEST(Roll, RenewsTheFirstRelayOfTheClusterAlone) {
  World world;
  EXPECT_EQ(world.next(), Names{"eu-0"});
  world.pods[0].draining = noon;
  world.health.relays["eu-0"].verdict = Verdict::draining;
  EXPECT_EQ(world.next(), Names{"eu-0"}) << "the one that was begun with";
  world.pods[0].deleting = true;
  EXPECT_THAT(world.next(), IsEmpty()) << "its calls are being drained";
  world.pods.erase(world.pods.begin());
  EXPECT_THAT(world.next(), IsEmpty()) << "it is not back yet";
  world.pods.insert(world.pods.begin(), relay("eu", 0, "new"));
  world.pods[0].proof = Proof::none;
  world.health.relays["eu-0"].verdict = Verdict::unknown;
  EXPECT_THAT(world.next(), IsEmpty()) << "ready, but no allocation succeeded on it";
  world.health.relays.erase("eu-0");
  EXPECT_THAT(world.next(), IsEmpty()) << "not proven is not enough either";
}

TEST(Roll, GoesOnInAllRegionsOnceTheFirstRelayIsProven) {
  World world;
  world.becomes_new(0);
  EXPECT_EQ(world.next(), (Names{"eu-1", "us-0"})) << "eu-0 serves meanwhile, for us too";
  world.becomes_new(1);
  world.becomes_new(2);
  EXPECT_THAT(world.next(), IsEmpty());
}

TEST(Roll, AnotherImageIsProvenFirst) {
  World world;
  world.cluster.spec.regions[1].relay.image = "coturn:next";
  world.becomes_new(0);
  EXPECT_EQ(world.next(), Names{"eu-1"}) << "that eu runs the old image well says nothing of the other";
}

TEST(Roll, NeverTakesARegionsOnlyRelayWithoutABackupThatServes) {
  World world;
  world.cluster.spec.regions[0].relay.replicas = 1;
  world.pods = {relay("eu", 0, "old"), relay("us", 0, "old")};
  EXPECT_EQ(world.next(), Names{"eu-0"});
  world.pods[0].draining = noon;
  EXPECT_EQ(world.next(), Names{"eu-0"}) << "us, which has to take over, stays";
  world.health.relays["us-0"].verdict = Verdict::unhealthy;
  EXPECT_THAT(world.next(), testing::Not(testing::Contains("eu-0"))) << "nobody could take over any more";
}

TEST(Roll, RenewsRelaysThatDoNotBeginAtNought) {
  World world;
  world.cluster.spec.regions.pop_back();
  world.cluster.spec.regions[0].relay.first_ordinal = 1;
  world.cluster.spec.regions[0].backups.clear();
  world.pods = {relay("eu", 0, "old"), relay("eu", 1, "old"), relay("eu", 2, "old")};
  world.health.relays["eu-2"] = world.health.relays["eu-1"];
  EXPECT_EQ(world.next(), Names{"eu-1"}) << "eu-0 is about to leave for good";
  world.becomes_new(1);
  EXPECT_EQ(world.next(), Names{"eu-2"});
}

TEST(Roll, TheRelayThatStaysIsNotRenewedWhileTheOthersLeave) {
  World world;
  world.cluster.spec.regions.pop_back();
  world.cluster.spec.regions[0].relay.replicas = 1;
  world.cluster.spec.regions[0].backups.clear();
  world.pods = {relay("eu", 0, "old"), relay("eu", 1, "old")};
  EXPECT_THAT(world.next(), IsEmpty()) << "fewer relays and another image at once: nobody would be served";
  EXPECT_THAT(world.decide().waiting, testing::ElementsAre("eu-0 waits: eu-1 leaves first"));
  world.pods[1].deleting = true;
  EXPECT_EQ(world.next(), Names{"eu-0"});
}

TEST(Roll, TheOnlyRelayOfAClusterGoesAndSaysSo) {
  World world;
  world.cluster.spec.regions.pop_back();
  world.cluster.spec.regions[0].relay.replicas = 1;
  world.cluster.spec.regions[0].backups.clear();
  world.pods = {relay("eu", 0, "old")};
  const auto roll = world.decide();
  ASSERT_EQ(roll.leaving.size(), 1u);
  EXPECT_TRUE(roll.leaving[0].last_of_cluster);
}

TEST(Roll, GoesByReadinessWhenNoMonitorIsHeard) {
  World world;
  world.health = {};
  EXPECT_EQ(world.next(), Names{"eu-0"});
  world.pods[1].ready = false;
  EXPECT_EQ(world.next(), Names{"eu-1"}) << "eu-0 is the last that serves";
}

TEST(Roll, TakesNoWorkingRelayWhileAnotherOfItsRegionIsDown) {
  World world;
  world.health.relays["eu-1"] = {.verdict = Verdict::unhealthy};
  EXPECT_EQ(world.next(), Names{"eu-1"}) << "the one that is down may well be cured by it";
  world.pods[1].revision = "new";
  EXPECT_THAT(world.next(), testing::Not(testing::Contains("eu-0")));
}

TEST(Roll, WhereAllRelaysOfARegionFailTheyAreRenewedOneByOne) {
  World world;
  world.cluster.spec.regions.pop_back();
  world.pods.pop_back();
  for (const std::size_t index : {0u, 1u}) {
    world.pods[index].proof = Proof::never;
    world.health.relays[world.pods[index].relay] = {.verdict = Verdict::unhealthy, .cause = Cause::data_path};
  }
  ASSERT_EQ(world.next(), Names{"eu-0"}) << "a spec with which nothing worked could never be corrected";
  world.pods[0].draining = noon;
  world.health.relays["eu-0"].verdict = Verdict::draining;
  EXPECT_EQ(world.next(), Names{"eu-0"});
  world.becomes_new(0);
  world.pods[0].proof = Proof::none;
  world.health.relays["eu-0"].verdict = Verdict::unknown;
  EXPECT_THAT(world.next(), IsEmpty()) << "whether it works with that spec will be known in a moment";
  world.pods[0].proof = Proof::never;
  world.health.relays["eu-0"].verdict = Verdict::unhealthy;
  EXPECT_THAT(world.next(), IsEmpty()) << "that was no cure: the calls on eu-1 may still flow";
  world.pods[0].proof = Proof::proven;
  world.health.relays["eu-0"].verdict = Verdict::healthy;
  EXPECT_EQ(world.next(), Names{"eu-1"});
}

TEST(Roll, ARegionWhoseRelayFailsForAnotherReasonDoesNotHoldUpTheOthers) {
  World world;
  world.becomes_new(2);
  world.pods[2].proof = Proof::failed;
  world.health.relays["us-0"] = {.verdict = Verdict::unhealthy, .cause = Cause::unreachable, .since = noon};
  EXPECT_EQ(world.next(), Names{"eu-0"});
}

TEST(Roll, RenewsAPodThatNeverStartedAtOnce) {
  World world;
  world.pods[1].running = world.pods[1].ready = world.pods[1].containers_ready = false;
  world.health.relays.erase("eu-1");
  const auto roll = world.decide();
  ASSERT_FALSE(roll.leaving.empty());
  EXPECT_EQ(roll.leaving[0].pod->relay, "eu-1") << "a template that could not start must be replaceable";
  EXPECT_TRUE(roll.leaving[0].serves_nobody);
}

TEST(Roll, APodThatNeverStartedDoesNotWaitForTheLastCallsOfAnother) {
  World world;
  world.pods[0].running = world.pods[0].ready = world.pods[0].containers_ready = false;
  world.health.relays.erase("eu-0");
  world.pods[1].deleting = true;
  EXPECT_EQ(world.next(), Names{"eu-0"}) << "evicted, it drains for an hour, and nobody would be served";
}

TEST(Roll, AReadinessLapseOfARelayThatWorksIsNoReasonToHurry) {
  World world;
  world.pods[0].containers_ready = world.pods[0].ready = false;
  world.health.relays["eu-1"] = {.verdict = Verdict::unhealthy};
  EXPECT_EQ(world.next(), Names{"eu-1"}) << "eu-0 is the last healthy one";
}

TEST(Roll, TouchesNoPodWhoseNewestTemplateIsUnknown) {
  World world;
  world.newest = {};
  EXPECT_THAT(world.next(), IsEmpty());
  world.newest = {{"eu", ""}};
  EXPECT_THAT(world.next(), IsEmpty());
}

TEST(Roll, LeavesASiteAloneThatCannotBeReached) {
  World world;
  world.cluster.spec.regions[0].kubeconfig = {"far", "kubeconfig"};
  world.pods[0].site = world.pods[1].site = "far";
  world.unreachable = {{"far", "connection refused"}};
  world.pods[0].draining = noon - 1h;
  EXPECT_THAT(world.next(), testing::Not(testing::Contains("eu-0")));
}

TEST(Halt, ABadImageHaltsTheRollAtItsFirstRelay) {
  World world;
  world.becomes_new(0);
  world.pods[0].running = world.pods[0].ready = world.pods[0].containers_ready = false;
  world.pods[0].proof = Proof::none;
  world.pods[0].trouble = "ImagePullBackOff: no such image";
  world.health.relays.erase("eu-0");
  const auto roll = world.decide();
  EXPECT_THAT(world.next(), IsEmpty());
  ASSERT_TRUE(roll.halt.has_value());
  EXPECT_EQ(roll.halt->reason, "RollHalted");
  EXPECT_THAT(roll.halt->message, HasSubstr("eu-0 does not start: ImagePullBackOff: no such image"));

  world.pods[0].revision = "bad";
  EXPECT_EQ(world.next(), Names{"eu-0"}) << "the spec changed or came back: it is renewed at once";
  EXPECT_FALSE(world.decide().halt.has_value());
}

TEST(Halt, AConfigurationWithWhichNoAllocationSucceedsHaltsAfterAMinute) {
  World world;
  world.becomes_new(0);
  world.pods[0].proof = Proof::never;
  world.pods[0].created = noon;
  world.health.relays["eu-0"] = {.verdict = Verdict::unhealthy, .cause = Cause::data_path, .since = noon};
  EXPECT_FALSE(world.decide().halt.has_value());
  EXPECT_EQ(world.decide().look_again, noon + 60s);
  world.now = noon + 60s;
  ASSERT_TRUE(world.decide().halt.has_value());
  EXPECT_THAT(world.decide().halt->message, HasSubstr("no allocation succeeds on it (data-path): check that"));
  EXPECT_THAT(world.next(), IsEmpty());
}

TEST(Halt, ARelayThatWorkedOnceIsNotTheTemplatesFault) {
  World world;
  world.becomes_new(0);
  world.pods[0].proof = Proof::failed;
  world.health.relays["eu-0"] = {.verdict = Verdict::unhealthy, .cause = Cause::unreachable, .since = noon};
  EXPECT_FALSE(world.decide().halt.has_value());
}

TEST(Halt, APodWithoutANodeIsTold) {
  World world;
  world.pods = {relay("eu", 0), relay("eu", 1), relay("us", 0)};
  world.pods[1].running = false;
  world.pods[1].created = noon - 2min;
  world.pods[1].trouble = "Unschedulable: 0/2 nodes are available";
  ASSERT_TRUE(world.decide().halt.has_value());
  EXPECT_EQ(world.decide().halt->reason, "RelayFails");
  EXPECT_THAT(world.decide().halt->message, HasSubstr("finds no node: Unschedulable: 0/2 nodes"));
}

struct CordonedWorld : World {
  CordonedWorld() {
    pods = {relay("eu", 0), relay("eu", 1), relay("us", 0)};
    pods[1].cordoned = true;
    nodes[""]["node-eu1"].unschedulable = true;
  }
};

TEST(Cordon, MovesARelayAheadWhenAnotherNodeCanTakeIt) {
  CordonedWorld world;
  EXPECT_THAT(world.next(), IsEmpty()) << "every other node has a relay already";
  EXPECT_THAT(world.decide().stuck,
              testing::ElementsAre("eu-1 stays on node-eu1, which is cordoned: no other node can take it"));
  world.nodes[""]["spare"] = {};
  ASSERT_EQ(world.next(), Names{"eu-1"});
  EXPECT_EQ(world.decide().leaving[0].why, Departure::Why::cordoned);
  world.cluster.spec.regions[0].relay.node_selector = {{"turn", "yes"}};
  EXPECT_THAT(world.next(), IsEmpty()) << "the spare node is not one of the region's";
  world.nodes[""]["spare"].labels = {{"turn", "yes"}};
  EXPECT_EQ(world.next(), Names{"eu-1"});
  world.nodes[""]["spare"].unschedulable = true;
  EXPECT_THAT(world.next(), IsEmpty());
}

TEST(Cordon, RelaysOutsideTheHostNetworkShareNodes) {
  CordonedWorld world;
  for (auto& region : world.cluster.spec.regions) region.relay.exposure = api::Exposure::load_balancer;
  EXPECT_EQ(world.next(), Names{"eu-1"});
}

TEST(Cordon, MovesOneRelayOfTheClusterAtATime) {
  CordonedWorld world;
  world.nodes[""]["spare"] = {};
  world.pods[2].cordoned = true;
  EXPECT_EQ(world.next(), Names{"eu-1"});
  world.pods[1].deleting = true;
  EXPECT_THAT(world.next(), IsEmpty());
}

}  // namespace
}  // namespace turnkeeper::op
