#include "operator/plan/replace.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using api::Cause;
using api::Verdict;

struct World {
  api::TurnCluster cluster = two_regions();
  std::vector<RelayPod> pods = {relay("eu", 0), relay("eu", 1), relay("us", 0)};
  ClusterHealth health = cluster_health({report()}, noon);
  std::map<std::string, SystemTime> last;
  SystemTime now = noon + 60s;

  void wedge(std::size_t index, Cause cause = Cause::allocate_timeout, SystemTime since = noon) {
    pods[index].proof = Proof::failed;
    health.relays[pods[index].relay] = {.verdict = Verdict::unhealthy, .cause = cause, .since = since};
  }
  [[nodiscard]] std::string replaced() const {
    std::string names;
    for (const auto& replacement : relays_to_replace(cluster, pods, health, last, now).now) {
      names += (names.empty() ? "" : " ") + replacement.pod->relay;
    }
    return names;
  }
};

TEST(Replace, ARelayThatIsWedgedForAMinute) {
  World world;
  EXPECT_EQ(world.replaced(), "");
  world.wedge(0);
  world.now = noon + 59s;
  EXPECT_EQ(world.replaced(), "");
  EXPECT_EQ(relays_to_replace(world.cluster, world.pods, world.health, world.last, world.now).look_again, noon + 60s);
  world.now = noon + 60s;
  EXPECT_EQ(world.replaced(), "eu-0");
}

TEST(Replace, NotForACauseThatANewStartDoesNotCure) {
  for (const auto cause : {Cause::none, Cause::dns, Cause::unreachable, Cause::cert_expired, Cause::auth_secret,
                           Cause::auth_clock, Cause::quota, Cause::ports_exhausted, Cause::wrong_public_address,
                           Cause::ssrf_open, Cause::draining, Cause::internal}) {
    World world;
    world.wedge(0, cause);
    EXPECT_EQ(world.replaced(), "") << api::cause_name(cause);
  }
}

TEST(Replace, NeverWhenAllOfARegionFailAlike) {
  World world;
  world.wedge(0);
  world.wedge(1);
  EXPECT_EQ(world.replaced(), "") << "what they share is not in them";
  world.wedge(1, Cause::data_path);
  EXPECT_EQ(world.replaced(), "eu-0");
}

TEST(Replace, ARegionsOnlyRelayIsMeasuredByTheOthersOfTheCluster) {
  World world;
  world.wedge(2);
  EXPECT_EQ(world.replaced(), "us-0");
  world.wedge(0);
  world.wedge(1);
  EXPECT_EQ(world.replaced(), "");
  world.pods = {world.pods[2]};
  world.cluster.spec.regions.erase(world.cluster.spec.regions.begin());
  EXPECT_EQ(world.replaced(), "") << "there is nothing to measure the only relay by";
}

TEST(Replace, OneOfARegionInFiveMinutes) {
  World world;
  world.wedge(0);
  world.last = {{"eu", noon - 200s}};
  EXPECT_EQ(world.replaced(), "") << "eu-1 was replaced 260 s ago";
  world.now = noon + 100s;
  EXPECT_EQ(world.replaced(), "eu-0");
  world.last = {{"eu", noon + 1h}};
  EXPECT_EQ(world.replaced(), "eu-0") << "the clock was put back";
  world.last.clear();
  world.pods[1].deleting = true;
  world.pods[1].deleted_at = noon;
  EXPECT_EQ(world.replaced(), "") << "eu-1 was just deleted, and the operator perhaps killed right then";
  world.now = noon + 300s;
  EXPECT_EQ(world.replaced(), "eu-0") << "a drain of hours does not stand in the way";
  world.pods.erase(world.pods.begin() + 1);
  EXPECT_EQ(world.replaced(), "") << "eu-1 is being made";
}

TEST(Replace, BothRegionsMayEachLoseOne) {
  World world;
  world.wedge(0);
  world.wedge(2, Cause::connect_timeout);
  EXPECT_EQ(world.replaced(), "eu-0 us-0");
}

TEST(Replace, NeverAgainWhatANewStartHasNotCured) {
  World world;
  world.wedge(0);
  world.pods[0].proof = Proof::never;
  EXPECT_EQ(world.replaced(), "");
}

TEST(Replace, NeverWithoutAMonitorsWord) {
  World world;
  world.wedge(0);
  world.health.heard = false;
  EXPECT_EQ(world.replaced(), "");
}

TEST(Replace, LeavesAPodAloneThatDoesNotRunOrIsGoingAlready) {
  World world;
  world.wedge(0);
  world.pods[0].running = false;
  EXPECT_EQ(world.replaced(), "");
  world.pods[0].running = true;
  world.pods[0].deleting = true;
  EXPECT_EQ(world.replaced(), "");
}

TEST(Replace, DrainsWhatMayStillFlowAndEndsWhatIsDead) {
  const auto grace = [](Cause cause, std::optional<AgentState> agent) {
    World world;
    world.wedge(0, cause);
    if (agent) world.health.facts["eu-0"].agent = agent;
    return relays_to_replace(world.cluster, world.pods, world.health, world.last, world.now).now.at(0).grace;
  };
  EXPECT_EQ(grace(Cause::connect_timeout, std::nullopt), dead_relay_grace);
  EXPECT_EQ(grace(Cause::allocate_timeout, std::nullopt), std::nullopt) << "its calls may go on";
  EXPECT_EQ(grace(Cause::allocate_timeout, AgentState{.sessions = 40, .bits_per_second = 3'000'000}), std::nullopt);
  EXPECT_EQ(grace(Cause::allocate_timeout, AgentState{.sessions = 40, .bits_per_second = 500}), dead_relay_grace);
  EXPECT_EQ(grace(Cause::allocate_timeout, AgentState{.sessions = 0}), dead_relay_grace);
}

TEST(Replace, ARelayThatWasScaledAwayIsNoCompanyForTheOnlyOneLeft) {
  World world;
  world.cluster.spec.regions.pop_back();
  world.cluster.spec.regions[0].relay.replicas = 1;
  world.pods.pop_back();
  world.pods[1].deleting = true;
  world.pods[1].deleted_at = noon - 1h;
  world.health.relays["eu-1"] = {.verdict = Verdict::draining};
  world.wedge(0);
  EXPECT_EQ(world.replaced(), "") << "a cluster's only relay is its kubelet's to restart";
}

}  // namespace
}  // namespace turnkeeper::op
