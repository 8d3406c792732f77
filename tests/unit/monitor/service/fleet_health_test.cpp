#include "monitor/service/fleet_health.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

using api::Cause;
using api::Verdict;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

const RelayId eu0{"calls", "eu", "eu-0"};
const RelayId eu1{"calls", "eu", "eu-1"};
const RelayId us0{"calls", "us", "us-0"};

Fleet two_regions() {
  Cluster cluster{.name = "calls"};
  cluster.regions = {{"eu", {"us"}, {{.name = "eu-0", .host = "192.0.2.1"}, {.name = "eu-1", .host = "192.0.2.2"}}},
                     {"us", {"eu"}, {{.name = "us-0", .host = "2001:db8::1"}}}};
  return Fleet{{cluster}};
}

ProbeResult failed_probe(Cause cause) {
  return {.ok = false, .cause = cause, .detail = "as the probe says"};
}

class FleetHealthTest : public testing::Test {
 protected:
  FleetHealthTest() { health_.set_fleet(two_regions()); }

  void echoes(std::initializer_list<RelayId> relays, std::chrono::milliseconds time = 0ms) {
    for (auto passed = 0ms; passed <= time; passed += 100ms) {
      for (const auto& id : relays) {
        health_.echoed(id, 3ms);
        health_.observed(id, {.vantage = "here", .usable = true, .at = clock_.steady()});
      }
      if (time > 0ms) clock_.advance(100ms);
    }
  }
  void all_healthy() {
    echoes({eu0, eu1, us0});
    (void)health_.take_changes();
  }
  void dies(const RelayId& id, Cause cause = Cause::timeout) {
    clock_.advance(400ms);
    health_.observed(id, {.vantage = "here", .usable = false, .cause = cause, .at = clock_.steady()});
  }

  ManualClock clock_;
  FleetHealth health_{"here", clock_};
};

TEST_F(FleetHealthTest, ARelaysFirstEchoMakesItHealthyAndNobodyIsMovedAtTheStart) {
  echoes({us0});
  const auto changes = health_.take_changes();
  ASSERT_EQ(changes.verdicts.size(), 1U);
  EXPECT_EQ(changes.verdicts[0].to.verdict, Verdict::healthy);
  EXPECT_THAT(changes.failovers, IsEmpty());
  EXPECT_EQ(health_.served_by("calls", "eu"), "eu");
}

TEST_F(FleetHealthTest, OneDeadRelayOfTwoKeepsTheRegionServing) {
  all_healthy();
  dies(eu0);
  const auto changes = health_.take_changes();
  ASSERT_EQ(changes.verdicts.size(), 1U);
  EXPECT_EQ(changes.verdicts[0].id, eu0);
  EXPECT_EQ(changes.verdicts[0].to.cause, Cause::timeout);
  EXPECT_EQ(changes.verdicts[0].first_miss, clock_.steady() - 300ms);
  EXPECT_THAT(changes.failovers, IsEmpty());
}

TEST_F(FleetHealthTest, ADeadRegionsClientsGoToTheBackupAndComeBack) {
  all_healthy();
  dies(eu0);
  dies(eu1, Cause::connect);
  auto changes = health_.take_changes();
  EXPECT_THAT(changes.failovers, ElementsAre(Failover{clock_.system(), "calls", "eu", "eu", "us", Cause::connect}));
  EXPECT_EQ(health_.failover_cause("calls", "eu"), Cause::connect);
  EXPECT_EQ(health_.served_by("calls", "us"), "us");

  echoes({eu0, us0}, 2s);
  changes = health_.take_changes();
  ASSERT_EQ(changes.failovers.size(), 1U);
  EXPECT_TRUE(changes.failovers[0].is_return());
  EXPECT_EQ(changes.failovers[0].from, "us");
  EXPECT_EQ(changes.failovers[0].cause, Cause::none);
  EXPECT_EQ(health_.failover_cause("calls", "eu"), Cause::none);
  EXPECT_THAT(health_.status().failovers, testing::SizeIs(2));
}

TEST_F(FleetHealthTest, ARegionThatIsDeadWhenTheMonitorStartsIsOneFailover) {
  dies(eu0);
  dies(eu1);
  echoes({us0});
  EXPECT_THAT(health_.take_changes().failovers,
              ElementsAre(Failover{clock_.system(), "calls", "eu", "eu", "us", Cause::timeout}));
}

TEST_F(FleetHealthTest, ADeadRelayStaysDeadHoweverLongItsCanaryWaitsBeforeItTriesAgain) {
  all_healthy();
  dies(eu0);
  clock_.advance(1min);
  health_.on_time();
  EXPECT_EQ(health_.verdict(eu0), Verdict::unhealthy);
}

TEST_F(FleetHealthTest, ACanaryThatStoppedSpeakingLeavesItsRelayUnknown) {
  all_healthy();
  ASSERT_TRUE(health_.next_time());
  clock_.advance(*health_.next_time() - clock_.steady());
  health_.on_time();
  EXPECT_EQ(health_.verdict(eu0), Verdict::unknown);
  EXPECT_EQ(health_.served_by("calls", "eu"), "eu") << "losing sight of everything moves nobody";
}

TEST_F(FleetHealthTest, AFailedFullProbeOnALivingRelayIsDegradedUntilOneSucceeds) {
  all_healthy();
  health_.probed(eu0, failed_probe(Cause::auth_secret));
  EXPECT_EQ(health_.verdict(eu0), Verdict::degraded);
  echoes({eu0});
  EXPECT_EQ(health_.verdict(eu0), Verdict::degraded) << "echoes of an old allocation say nothing about new ones";
  EXPECT_EQ(health_.status().clusters[0].regions[0].relays[0].detail, "as the probe says");
  health_.probed(eu0, {.ok = true});
  EXPECT_EQ(health_.verdict(eu0), Verdict::healthy);
}

TEST_F(FleetHealthTest, ARelayThatCameBackIsNotHeldToAProbeThatFailedWhileItWasDead) {
  all_healthy();
  dies(eu0);
  health_.probed(eu0, failed_probe(Cause::timeout));
  echoes({eu0}, 2s);
  EXPECT_EQ(health_.verdict(eu0), Verdict::healthy);
}

TEST_F(FleetHealthTest, TheProbersOwnTroubleIsNotTheRelays) {
  all_healthy();
  health_.probed(eu0, failed_probe(Cause::internal));
  EXPECT_EQ(health_.verdict(eu0), Verdict::healthy);
}

TEST_F(FleetHealthTest, ARelayThatRefusesNewAllocationsBecauseItDrainsGetsNoClients) {
  all_healthy();
  health_.probed(eu0, failed_probe(Cause::draining));
  EXPECT_EQ(health_.verdict(eu0), Verdict::draining);
}

TEST_F(FleetHealthTest, TheOperatorTakesARelayOutOfServiceAndPutsItBack) {
  all_healthy();
  auto fleet = two_regions();
  fleet.clusters[0].regions[0].relays[0].draining = true;
  health_.set_fleet(fleet);
  EXPECT_EQ(health_.verdict(eu0), Verdict::draining);
  health_.set_fleet(two_regions());
  EXPECT_EQ(health_.verdict(eu0), Verdict::healthy) << "a relay that stays keeps what is known about it";
}

TEST_F(FleetHealthTest, ARelayThatLeavesTheFleetIsForgottenAndOneThatMovedIsProvenAnew) {
  all_healthy();
  auto fleet = two_regions();
  fleet.clusters[0].regions[0].relays.erase(fleet.clusters[0].regions[0].relays.begin());
  fleet.clusters[0].regions[1].relays[0].host = "192.0.2.99";
  health_.set_fleet(fleet);
  dies(eu0);
  EXPECT_THAT(health_.relay_health(), ElementsAre(Field(&RelayHealth::id, eu1), Field(&RelayHealth::id, us0)));
  EXPECT_EQ(health_.verdict(us0), Verdict::unknown);
}

TEST_F(FleetHealthTest, TheStatusShowsLossAndRoundTripOfTheLastEchoes) {
  for (int i = 0; i < 80; ++i) health_.echoed(eu0, 3ms);
  for (int i = 0; i < 20; ++i) health_.echo_lost(eu0);
  const auto relay = health_.status().clusters[0].regions[0].relays[0];
  EXPECT_EQ(relay.loss_percent, 20);
  EXPECT_EQ(relay.echo, 3ms);
  EXPECT_EQ(health_.status().clusters[0].regions[1].relays[0].address, "[2001:db8::1]:3478");
  for (int i = 0; i < 100; ++i) health_.echoed(eu0, 3ms);
  EXPECT_EQ(health_.status().clusters[0].regions[0].relays[0].loss_percent, 0) << "old loss is history";
}

}  // namespace
}  // namespace turnkeeper::monitor
