#include "operator/plan/scale_down.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using api::Verdict;
using testing::ElementsAre;
using testing::IsEmpty;

// The region eu with relays of these sessions; -1: not heard.
struct Shrinking {
  api::Region region = two_regions().spec.regions[0];
  Ordinals live;
  bool may_start_higher = true;
  std::vector<RelayPod> pods = {relay("us", 0)};
  VantageReport heard = report();

  explicit Shrinking(const std::vector<int>& sessions = {40, 40}, int start = 0) {
    live = {start, static_cast<int>(sessions.size())};
    for (int i = 0; i < live.count; ++i) {
      pods.push_back(relay("eu", start + i));
      find(start + i, Verdict::healthy);
      carry(start + i, sessions[static_cast<std::size_t>(i)]);
    }
  }
  void find(int ordinal, Verdict verdict) {
    heard.relays["eu-" + std::to_string(ordinal)] = {.verdict = verdict, .cause = {}, .since = noon};
  }
  void carry(int ordinal, int sessions) {
    auto& facts = heard.facts["eu-" + std::to_string(ordinal)];
    facts.agent = sessions < 0 ? std::nullopt : std::optional(AgentState{.sessions = sessions});
  }
  RelayPod& eu(int ordinal) { return *std::ranges::find(pods, "eu-" + std::to_string(ordinal), &RelayPod::relay); }
  // As a pass would find it after the one before.
  void pass_to(int wanted) {
    for (const auto& name : leaving_to(wanted)) std::ranges::find(pods, name, &RelayPod::relay)->draining = noon;
    live = to(wanted).ordinals;
    std::erase_if(pods, [&](const RelayPod& pod) { return pod.region == "eu" && !live.contains(pod.ordinal); });
  }
  [[nodiscard]] ScaleDown to(int wanted) const {
    const std::vector<VantageReport> reports = {heard};
    return scale_down({.region = region,
                       .wanted = wanted,
                       .live = live,
                       .may_start_higher = may_start_higher,
                       .pods = pods,
                       .reports = reports,
                       .health = cluster_health(reports, noon),
                       .now = noon});
  }
  [[nodiscard]] std::vector<std::string> leaving_to(int wanted) const {
    std::vector<std::string> names;
    for (const auto* pod : to(wanted).leaving) names.push_back(pod->relay);
    return names;
  }
};

TEST(ScaleDown, MovesTheClientsOfTheEmptierEndFirst) {
  Shrinking world({3, 40});
  EXPECT_THAT(world.leaving_to(1), ElementsAre("eu-0"));
  EXPECT_EQ(world.to(1).wanted, (Ordinals{1, 1}));
  EXPECT_EQ(world.to(1).ordinals, (Ordinals{0, 2})) << "its clients are not moved yet";
  world.eu(0).draining = noon;
  EXPECT_EQ(world.to(1).ordinals, (Ordinals{0, 2}));
  world.find(0, Verdict::draining);
  EXPECT_EQ(world.to(1).ordinals, (Ordinals{1, 1}));

  world = Shrinking({40, 3});
  EXPECT_THAT(world.leaving_to(1), ElementsAre("eu-1"));
  EXPECT_EQ(world.to(1).wanted, (Ordinals{0, 1}));
}

TEST(ScaleDown, GoesOnWithTheRelayThatItBeganWith) {
  Shrinking world({3, 40});
  world.pass_to(1);
  world.carry(0, 50);
  world.carry(1, 0);
  EXPECT_THAT(world.leaving_to(1), ElementsAre("eu-0")) << "its clients are on their way already";
  world.find(0, Verdict::draining);
  world.pass_to(1);
  EXPECT_EQ(world.live, (Ordinals{1, 1}));
  EXPECT_EQ(world.to(1).ordinals, (Ordinals{1, 1})) << "and at rest then";
  EXPECT_THAT(world.leaving_to(1), IsEmpty());
}

TEST(ScaleDown, TheHighestGoesWhenNeitherIsClearlyEmptier) {
  EXPECT_THAT(Shrinking({40, 40}).leaving_to(1), ElementsAre("eu-1"));
  EXPECT_THAT(Shrinking({0, 5}).leaving_to(1), ElementsAre("eu-1")) << "probes are sessions too";
  EXPECT_THAT(Shrinking({0, 6}).leaving_to(1), ElementsAre("eu-0"));
  EXPECT_THAT(Shrinking({0, -1}).leaving_to(1), ElementsAre("eu-1")) << "nobody knows what it carries";
  EXPECT_THAT(Shrinking({-1, 40}).leaving_to(1), ElementsAre("eu-1")) << "nor of this one";
}

TEST(ScaleDown, TakesFromBothEndsWhenSeveralGo) {
  const Shrinking world({5, 100, 100, 20});
  EXPECT_THAT(world.leaving_to(2), ElementsAre("eu-0", "eu-3"));
  EXPECT_EQ(world.to(2).wanted, (Ordinals{1, 2}));
  EXPECT_EQ(world.to(2).ordinals, (Ordinals{0, 4}));
}

TEST(ScaleDown, OneThatServesNobodyGoesBeforeOneThatServes) {
  Shrinking world({40, 0});
  world.find(0, Verdict::unhealthy);
  EXPECT_THAT(world.leaving_to(1), ElementsAre("eu-0"));
  world = Shrinking({40, 0});
  world.eu(0).deleting = true;
  EXPECT_EQ(world.to(1).ordinals, (Ordinals{1, 1})) << "it ends already, and need not come back";
}

TEST(ScaleDown, WhereOrdinalsMayBeUnknownTheHighestGoes) {
  Shrinking world({0, 40});
  world.may_start_higher = false;
  EXPECT_THAT(world.leaving_to(1), ElementsAre("eu-1"));
  EXPECT_EQ(world.to(1).wanted, (Ordinals{0, 1}));
  world.eu(1).draining = noon;
  world.find(1, Verdict::draining);
  EXPECT_EQ(world.to(1).ordinals, (Ordinals{0, 1}));
  world.eu(1).draining.reset();
  world.find(1, Verdict::healthy);
  world.find(0, Verdict::unhealthy);
  EXPECT_EQ(world.to(1).ordinals, (Ordinals{0, 2})) << "the last one that serves stays";
  EXPECT_THAT(world.leaving_to(1), IsEmpty());
}

TEST(ScaleDown, RelaysThatWereLeftBehindWhereOrdinalsMayBeUnknownComeBackToNought) {
  Shrinking world({40}, 1);
  world.may_start_higher = false;
  EXPECT_EQ(world.to(1).wanted, (Ordinals{0, 1}));
  EXPECT_EQ(world.to(1).ordinals, (Ordinals{0, 2})) << "the one that serves waits for the other";
}

TEST(ScaleDown, DoesNotWaitForRelaysThatNeverCame) {
  Shrinking world({40, 40});
  world.pods.pop_back();
  EXPECT_EQ(world.to(1).ordinals, (Ordinals{0, 1}));
  world = Shrinking({40, 40});
  world.pods.erase(world.pods.begin() + 1);
  EXPECT_EQ(world.to(1).ordinals, (Ordinals{1, 1}));
}

TEST(ScaleDown, GrowsAtOnceAndTheLowestComeBackFirst) {
  EXPECT_EQ(Shrinking({40, 40}).to(5).ordinals, (Ordinals{0, 5}));
  EXPECT_EQ(Shrinking({40, 40}, 2).to(3).ordinals, (Ordinals{1, 3}));
  EXPECT_EQ(Shrinking({40, 40}, 2).to(5).ordinals, (Ordinals{0, 5}));
  EXPECT_EQ(Shrinking({40, 40}, 2).to(2).ordinals, (Ordinals{2, 2})) << "no relay is replaced for its number alone";
}

TEST(ScaleDown, BeginsAtNoughtWhereThereIsNoStatefulSet) {
  const ClusterHealth health;
  const auto region = two_regions().spec.regions[0];
  const auto fresh = scale_down(
      {.region = region, .wanted = 3, .live = std::nullopt, .pods = {}, .reports = {}, .health = health, .now = noon});
  EXPECT_EQ(fresh.ordinals, (Ordinals{0, 3}));
}

TEST(ScaleDown, RelaysWhoseFixedAddressesWereTakenOutOfTheListMakeRoomForThoseThatHaveOne) {
  Shrinking world({3, 40, 40});
  world.region.relay.public_address.fixed = {"203.0.113.1", "203.0.113.2"};
  EXPECT_THAT(world.leaving_to(2), ElementsAre("eu-2")) << "not the emptiest: this one has no address any more";

  world = Shrinking({40, 40}, 1);
  world.region.relay.public_address.fixed = {"203.0.113.1", "203.0.113.2"};
  EXPECT_EQ(world.to(2).wanted, (Ordinals{0, 2}));
  EXPECT_EQ(world.to(2).ordinals, (Ordinals{0, 3})) << "the new one comes before the old one goes";
  world.pass_to(2);
  world.find(2, Verdict::draining);
  EXPECT_EQ(world.to(2).ordinals, (Ordinals{0, 2}));
}

// As monitors and the gate show it: once marked it is Draining, whatever they see.
TEST(ScaleDown, GoesOnWhereAllRelaysOfTheRegionFail) {
  Shrinking world({40, 40});
  for (const int ordinal : {0, 1}) {
    world.find(ordinal, Verdict::unhealthy);
    world.eu(ordinal).proof = Proof::failed;
  }
  EXPECT_THAT(world.leaving_to(1), ElementsAre("eu-1"));
  world.eu(1).draining = noon;
  EXPECT_THAT(world.leaving_to(1), ElementsAre("eu-1")) << "or it is marked and kept in turns, in every pass";
  world.find(1, Verdict::draining);
  EXPECT_EQ(world.to(1).ordinals, (Ordinals{0, 1}));
}

TEST(ScaleDown, TheMarkedRelayStaysWhenTheOthersFailMeanwhile) {
  Shrinking world({40, 40});
  world.may_start_higher = false;
  world.pass_to(1);
  world.find(1, Verdict::draining);
  world.find(0, Verdict::unhealthy);
  EXPECT_EQ(world.to(1).ordinals, (Ordinals{0, 2}));
  EXPECT_THAT(world.leaving_to(1), IsEmpty()) << "it would serve";
}

TEST(ScaleDown, OneThatHasToMoveAnywayGoesBeforeOneThatMayStay) {
  Shrinking world({40, 3});
  world.eu(0).cordoned = true;
  EXPECT_THAT(world.leaving_to(1), ElementsAre("eu-0")) << "else both would leave, one after the other";
  world.eu(1).cordoned = true;
  EXPECT_THAT(world.leaving_to(1), ElementsAre("eu-1"));
}

TEST(ScaleDown, GrowsWhereARelayCanComeAtOnce) {
  Shrinking world({40}, 1);
  world.pods.push_back(relay("eu", 0));
  world.eu(0).deleting = true;
  EXPECT_EQ(world.to(2).ordinals, (Ordinals{1, 2})) << "the last calls of eu-0 may take an hour";
  world.pods.push_back(relay("eu", 2));
  world.eu(2).deleting = true;
  EXPECT_EQ(world.to(2).ordinals, (Ordinals{0, 2})) << "both are still there";
}

}  // namespace
}  // namespace turnkeeper::op
