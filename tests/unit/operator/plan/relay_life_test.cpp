#include "operator/plan/relay_life.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using api::Cause;
using api::Verdict;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct World {
  api::TurnCluster cluster = two_regions();
  std::vector<RelayPod> pods = {relay("eu", 0), relay("eu", 1), relay("us", 0)};
  std::vector<VantageReport> reports = {report()};
  ClusterHealth health = cluster_health(reports, noon);
  Nodes nodes;
  std::map<std::string, std::string> unreachable;
  std::map<std::string, SystemTime> replaced;
  std::map<std::string, Ordinals> live = {{"eu", {0, 2}}, {"us", {0, 1}}};
  std::set<std::string> may_start_higher = {""};
  std::map<std::string, std::string> revisions = {{"eu", "new"}, {"us", "new"}};
  bool budget_spent = false;

  void see(const std::map<std::string, RelayHealth>& but) {
    reports = {report(but)};
    health = cluster_health(reports, noon);
  }
  [[nodiscard]] RelayLifeInput input() const {
    return {.cluster = cluster,
            .pods = pods,
            .reports = reports,
            .health = health,
            .nodes = nodes,
            .unreachable = unreachable,
            .replaced = replaced,
            .live = live,
            .may_start_higher = may_start_higher,
            .now = noon};
  }
  [[nodiscard]] Sizes sizes() const { return region_sizes(input(), {}, budget_spent); }
  [[nodiscard]] Moves moves() const { return relay_moves(input(), sizes(), revisions); }
};

std::vector<std::string> reasons(const std::vector<Notice>& notices) {
  std::vector<std::string> out;
  for (const auto& notice : notices) out.push_back(notice.reason);
  return out;
}

TEST(RelayLife, NothingHappensAtRest) {
  const auto moves = World().moves();
  EXPECT_TRUE(moves.marks.empty());
  EXPECT_TRUE(moves.removals.empty());
  EXPECT_THAT(moves.notices, IsEmpty());
  EXPECT_EQ(moves.look_again, std::nullopt);
}

TEST(RelayLife, AWedgedRelayIsDeletedAndCounted) {
  World world;
  world.pods[0].proof = Proof::failed;
  world.see({{"eu-0", {.verdict = Verdict::unhealthy, .cause = Cause::connect_timeout, .since = noon - 1min}}});
  const auto moves = world.moves();
  ASSERT_EQ(moves.removals.size(), 1u);
  EXPECT_EQ(moves.removals[0].pod->relay, "eu-0");
  EXPECT_EQ(moves.removals[0].grace, 30s);
  ASSERT_EQ(moves.replaced.size(), 1u);
  EXPECT_EQ(moves.replaced[0].cause, Cause::connect_timeout);
  EXPECT_THAT(reasons(moves.notices), ElementsAre("RelayReplaced"));
}

TEST(RelayLife, AMarkStaysWhileItIsNotKnownWhatTheNewestTemplateIs) {
  World world;
  world.pods[0].draining = noon - 1s;
  world.revisions.clear();
  EXPECT_TRUE(world.moves().marks.empty()) << "a moment later it may well be outdated";
  world.revisions = {{"eu", "new"}};
  ASSERT_EQ(world.moves().marks.size(), 1u);
  EXPECT_THAT(reasons(world.moves().notices), ElementsAre("RelayKept"));
}

TEST(RelayLife, ARelayIsDeletedOnlyWhenItsClientsWereMoved) {
  World world;
  world.revisions["us"] = "newer";
  EXPECT_THAT(reasons(world.moves().notices), ElementsAre("RelayDraining"));
  EXPECT_EQ(world.moves().look_again, noon + 5s);
  world.pods[2].draining = noon - 2s;
  EXPECT_TRUE(world.moves().removals.empty());
  world.see({{"us-0", {.verdict = Verdict::draining, .cause = {}, .since = noon}}});
  ASSERT_EQ(world.moves().removals.size(), 1u);
  EXPECT_EQ(world.moves().removals[0].grace, std::nullopt) << "its calls are drained";
}

TEST(RelayLife, NothingIsDoneAtASiteThatCannotBeReached) {
  World world;
  world.cluster.spec.regions[1].kubeconfig = {"far", "kubeconfig"};
  world.pods[2].site = "far";
  world.pods[2].draining = noon - 1h;
  world.unreachable = {{"far", "connection refused"}};
  EXPECT_TRUE(world.moves().marks.empty());
  EXPECT_TRUE(world.moves().removals.empty());
}

struct Autoscaled : World {
  Autoscaled() {
    cluster.spec.regions[0].relay.autoscaling = {.min = 2, .max = 4, .sessions_per_relay = 100};
    carry(120);
  }
  void carry(int sessions) {
    for (const char* relay : {"eu-0", "eu-1", "us-0"}) health.facts[relay].agent = AgentState{.sessions = sessions};
  }
};

TEST(RelayLife, ALoadedRegionGrows) {
  const Autoscaled world;
  const auto sizes = world.sizes();
  EXPECT_EQ(sizes.now.spec.regions[0].relay.replicas, 3);
  EXPECT_EQ(sizes.wanted.spec.regions[0].relay.replicas, 3);
  ASSERT_EQ(sizes.notices.size(), 1u);
  EXPECT_EQ(sizes.notices[0].message, "region eu: from 2 to 3 relays: 240 sessions, 100 a relay");
  EXPECT_EQ(sizes.now.spec.regions[1].relay.replicas, 1) << "us is not autoscaled";
}

TEST(RelayLife, ARegionThatWasQuietLosesARelayToTheEnd) {
  Autoscaled world;
  world.cluster.spec.regions[0].relay.autoscaling->min = 1;
  std::map<std::string, SystemTime> low_since = {{"eu", noon - 5min}};
  world.carry(10);
  auto sizes = region_sizes(world.input(), low_since, false);
  ASSERT_EQ(sizes.leaving.size(), 1u);
  EXPECT_EQ(sizes.leaving[0]->relay, "eu-1");
  EXPECT_EQ(sizes.now.spec.regions[0].relay.replicas, 2) << "its clients are moved first";
  low_since = sizes.low_since;

  world.pods[1].draining = noon;
  world.see({{"eu-1", {.verdict = Verdict::draining, .cause = {}, .since = noon}}});
  world.carry(10);
  sizes = region_sizes(world.input(), low_since, false);
  EXPECT_EQ(sizes.wanted.spec.regions[0].relay.replicas, 1) << "needed again a moment later?";
  EXPECT_EQ(sizes.now.spec.regions[0].relay.replicas, 1);
  EXPECT_TRUE(sizes.low_since.empty()) << "and another five minutes for the next";
}

TEST(RelayLife, TheEmptierRelayOfAQuietRegionLeaves) {
  Autoscaled world;
  world.cluster.spec.regions[0].relay.autoscaling->min = 1;
  const std::map<std::string, SystemTime> low_since = {{"eu", noon - 5min}};
  world.carry(30);
  world.health.facts["eu-0"].agent->sessions = 0;
  const auto sizes = region_sizes(world.input(), low_since, false);
  ASSERT_EQ(sizes.leaving.size(), 1u);
  EXPECT_EQ(sizes.leaving[0]->relay, "eu-0");
  EXPECT_EQ(ordinals_of(sizes.now.spec.regions[0]), (Ordinals{0, 2})) << "its clients are moved first";
  EXPECT_EQ(ordinals_of(sizes.wanted.spec.regions[0]), (Ordinals{1, 1}));
}

TEST(RelayLife, TheLoadOfRelaysThatDoNotBeginAtNoughtCounts) {
  Autoscaled world;
  world.live["eu"] = {1, 2};
  world.pods = {relay("eu", 1), relay("eu", 2), relay("us", 0)};
  world.see({{"eu-2", {.verdict = Verdict::healthy, .cause = {}, .since = noon}}});
  for (const char* relay : {"eu-1", "eu-2"}) world.health.facts[relay].agent = AgentState{.sessions = 140};
  EXPECT_EQ(ordinals_of(world.sizes().now.spec.regions[0]), (Ordinals{0, 3}));
}

TEST(RelayLife, ASpentBudgetStopsTheGrowthAndNothingElse) {
  Autoscaled world;
  world.budget_spent = true;
  EXPECT_EQ(world.sizes().now.spec.regions[0].relay.replicas, 2);
  EXPECT_THAT(world.sizes().notices, IsEmpty());
  EXPECT_TRUE(world.moves().removals.empty());
  EXPECT_TRUE(world.moves().marks.empty());
}

TEST(RelayLife, ASmallerNumberMarksARelayAndKeepsTheStatefulSet) {
  World world;
  world.cluster.spec.regions[0].relay.replicas = 1;
  const auto sizes = world.sizes();
  EXPECT_EQ(sizes.wanted.spec.regions[0].relay.replicas, 1);
  EXPECT_EQ(sizes.now.spec.regions[0].relay.replicas, 2);
  const auto moves = world.moves();
  ASSERT_EQ(moves.marks.size(), 1u);
  EXPECT_EQ(moves.marks[0].object["metadata"]["name"], "calls-eu-1");
  EXPECT_THAT(moves.notices[0].message, HasSubstr("one more than asked for"));
  EXPECT_TRUE(moves.removals.empty()) << "the StatefulSet does that";
}

TEST(RelayLife, ARelayThatItsStatefulSetGaveUpIsNotSaidToBeKept) {
  World world;
  world.cluster.spec.regions[0].relay.replicas = 1;
  world.live["eu"] = {0, 1};
  world.pods[1].draining = noon;
  EXPECT_TRUE(world.moves().marks.empty()) << "its deletion is on its way, and clients must not be sent there again";
  EXPECT_THAT(world.moves().notices, IsEmpty());
}

TEST(RelayLife, RelaysThatCannotBeTakenAwayAreStillTold) {
  World world;
  world.unreachable = {{"", "connection refused"}};
  world.cluster.spec.regions[0].relay.replicas = 1;
  EXPECT_EQ(ordinals_of(world.sizes().wanted.spec.regions[0]), (Ordinals{0, 2}))
      << "the status is what the next operator knows them by";
  world.cluster.spec.regions[0].relay.replicas = 3;
  EXPECT_EQ(ordinals_of(world.sizes().wanted.spec.regions[0]), (Ordinals{0, 3}));
}

}  // namespace
}  // namespace turnkeeper::op
