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
  cluster.regions = {
      {"eu",
       {"us"},
       {{.name = "eu-0", .uris = {turn_uri("192.0.2.1")}}, {.name = "eu-1", .uris = {turn_uri("192.0.2.2")}}}},
      {"us", {"eu"}, {{.name = "us-0", .uris = {turn_uri("2001:db8::1")}}}}};
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
      while (health_.next_time() && *health_.next_time() <= clock_.steady()) health_.on_time();
    }
  }
  void all_healthy() {
    echoes({eu0, eu1, us0});
    (void)health_.take_changes();
  }
  void dies(const RelayId& id, Cause cause = Cause::connect_timeout) {
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
  EXPECT_EQ(changes.verdicts[0].to.cause, Cause::connect_timeout);
  EXPECT_EQ(changes.verdicts[0].first_miss, clock_.steady() - 300ms);
  EXPECT_THAT(changes.failovers, IsEmpty());
}

TEST_F(FleetHealthTest, ADeathThatAFullProbeSeesBeforeTheCanaryIsTimedFromTheMissedEchoToo) {
  all_healthy();
  clock_.advance(150ms);
  health_.probed(eu0, failed_probe(Cause::connect_refused));
  const auto changes = health_.take_changes();
  ASSERT_EQ(changes.verdicts.size(), 1U);
  EXPECT_EQ(changes.verdicts[0].to.verdict, Verdict::unhealthy);
  EXPECT_EQ(changes.verdicts[0].first_miss, clock_.steady() - 50ms);
}

TEST_F(FleetHealthTest, ADeadRegionsClientsGoToTheBackupAndComeBack) {
  all_healthy();
  dies(eu0);
  dies(eu1, Cause::connect_refused);
  auto changes = health_.take_changes();
  EXPECT_THAT(changes.failovers,
              ElementsAre(Failover{clock_.system(), "calls", "eu", "eu", "us", Cause::connect_refused}));
  EXPECT_EQ(health_.failover_cause("calls", "eu"), Cause::connect_refused);
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
              ElementsAre(Failover{clock_.system(), "calls", "eu", "eu", "us", Cause::connect_timeout}));
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
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(health_.next_time());
    clock_.advance(*health_.next_time() - clock_.steady());
    health_.on_time();
  }
  EXPECT_EQ(health_.verdict(eu0), Verdict::unknown);
  EXPECT_EQ(health_.served_by("calls", "eu"), "eu") << "losing sight of everything moves nobody";
}

TEST_F(FleetHealthTest, ARelayThatRefusesEveryNewClientIsUnhealthyThoughOldAllocationsEcho) {
  all_healthy();
  health_.probed(eu0, failed_probe(Cause::auth_secret));
  EXPECT_EQ(health_.verdict(eu0), Verdict::unhealthy);
  echoes({eu0});
  EXPECT_EQ(health_.verdict(eu0), Verdict::unhealthy) << "echoes of an old allocation say nothing about new ones";
  EXPECT_EQ(health_.status().clusters[0].regions[0].relays[0].detail, "as the probe says");
  health_.probed(eu0, {.ok = true});
  echoes({eu0}, 2s);
  EXPECT_EQ(health_.verdict(eu0), Verdict::healthy);
}

TEST_F(FleetHealthTest, ARelayThatFailsOverOneTransportOfTwoIsDegradedUntilThatWorksToo) {
  all_healthy();
  auto over_tls = failed_probe(Cause::cert_expired);
  over_tls.endpoint.protocol = turn::Protocol::tls;
  health_.probed(eu0, {.ok = true});
  health_.probed(eu0, over_tls);
  EXPECT_EQ(health_.verdict(eu0), Verdict::degraded);
  health_.probed(eu0, {.ok = true});
  EXPECT_EQ(health_.verdict(eu0), Verdict::degraded) << "UDP says nothing about TLS";
  over_tls.ok = true;
  over_tls.cause = Cause::none;
  health_.probed(eu0, over_tls);
  EXPECT_EQ(health_.verdict(eu0), Verdict::healthy);
}

TEST_F(FleetHealthTest, AProbeThatGotNoAnswerIsBelievedTheSecondTime) {
  all_healthy();
  EXPECT_TRUE(health_.probed(eu0, failed_probe(Cause::allocate_timeout))) << "and repeated at once";
  EXPECT_EQ(health_.verdict(eu0), Verdict::degraded);
  EXPECT_FALSE(health_.probed(eu0, failed_probe(Cause::allocate_timeout)));
  EXPECT_EQ(health_.verdict(eu0), Verdict::unhealthy) << "dead to Allocate";
}

TEST_F(FleetHealthTest, WhatAProbeWarnsOfThoughItWorksIsDegraded) {
  all_healthy();
  health_.probed(eu0, {.ok = true, .cause = Cause::ssrf_open, .detail = "169.254.169.254"});
  EXPECT_EQ(health_.verdict(eu0), Verdict::degraded);
  EXPECT_EQ(health_.status().clusters[0].regions[0].relays[0].cause, Cause::ssrf_open);
}

TEST_F(FleetHealthTest, ARelayThatCameBackIsNotHeldToAProbeThatFailedWhileItWasDead) {
  all_healthy();
  dies(eu0);
  health_.probed(eu0, failed_probe(Cause::connect_timeout));
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
  fleet.clusters[0].regions[1].relays[0].uris = {turn_uri("192.0.2.99")};
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

// Three vantages: "here", and two that the exchange brings.
class VantagesTest : public FleetHealthTest {
 protected:
  void says(const std::string& vantage, const RelayId& id, bool usable, bool blind = false) {
    health_.observed(id, {.vantage = vantage,
                          .usable = usable,
                          .cause = usable ? Cause::none : Cause::connect_timeout,
                          .at = clock_.steady(),
                          .blind = blind});
  }
  void all_three_healthy() {
    for (const auto& id : {eu0, eu1, us0}) {
      for (const auto* vantage : {"here", "there", "elsewhere"}) says(vantage, id, true);
    }
    (void)health_.take_changes();
  }
  // As the exchange does while nothing changes.
  void heartbeats(std::chrono::seconds time) {
    for (auto passed = 0s; passed < time; passed += 1s) {
      clock_.advance(1s);
      health_.heard_from("there", clock_.steady());
      health_.heard_from("elsewhere", clock_.steady());
      echoes({eu0, eu1, us0});
      while (health_.next_time() && *health_.next_time() <= clock_.steady()) health_.on_time();
    }
  }
};

TEST_F(VantagesTest, MostOfThemDecideAndTheLogSaysWhoSawWhat) {
  all_three_healthy();
  says("there", eu0, false);
  EXPECT_EQ(health_.verdict(eu0), Verdict::degraded);
  (void)health_.take_changes();
  clock_.advance(100ms);
  says("elsewhere", eu0, false);
  EXPECT_EQ(health_.verdict(eu0), Verdict::unhealthy) << "though this vantage still sees it";
  const auto changes = health_.take_changes();
  ASSERT_EQ(changes.verdicts.size(), 1U);
  const auto& votes = changes.verdicts[0].votes;
  ASSERT_EQ(votes.size(), 3U);
  EXPECT_EQ(votes[0].vantage, "here");
  EXPECT_TRUE(votes[0].usable);
  EXPECT_FALSE(votes[1].usable);
  EXPECT_EQ(votes[1].cause, Cause::connect_timeout);
  EXPECT_EQ(votes[1].age, 100ms);
  EXPECT_FALSE(changes.verdicts[0].first_miss) << "this vantage missed nothing";
}

TEST_F(VantagesTest, HeartbeatsKeepWhatWasSaidFresh) {
  all_three_healthy();
  says("there", eu0, false);
  says("elsewhere", eu0, false);
  heartbeats(60s);
  EXPECT_EQ(health_.verdict(eu0), Verdict::unhealthy);
  EXPECT_EQ(health_.verdict(eu1), Verdict::healthy);
  health_.forget_vantage("there");
  EXPECT_EQ(health_.verdict(eu0), Verdict::unhealthy) << "its quiet time begins";
  heartbeats(3s);
  EXPECT_EQ(health_.verdict(eu0), Verdict::degraded) << "one against one moves nobody";
  health_.forget_vantage("elsewhere");
  EXPECT_EQ(health_.verdict(eu0), Verdict::healthy);
}

TEST_F(VantagesTest, ABlindOneAbstains) {
  all_three_healthy();
  says("there", eu0, false, true);
  EXPECT_EQ(health_.verdict(eu0), Verdict::healthy);
  says("elsewhere", eu0, false);
  EXPECT_EQ(health_.verdict(eu0), Verdict::degraded);
}

TEST_F(VantagesTest, OneThatWasCutOffLooksAgainBeforeItsOldWordOutweighsOurs) {
  all_three_healthy();
  health_.forget_vantage("there");
  health_.forget_vantage("elsewhere");
  clock_.advance(5s);
  echoes({eu0, eu1, us0});
  says("there", eu0, false);
  says("elsewhere", eu0, false);
  EXPECT_EQ(health_.verdict(eu0), Verdict::healthy);
  heartbeats(8s);
  EXPECT_EQ(health_.verdict(eu0), Verdict::healthy);
  heartbeats(3s);
  EXPECT_EQ(health_.verdict(eu0), Verdict::unhealthy) << "they still say so";
}

TEST_F(VantagesTest, OnlyOwnObservationsGoToTheOthers) {
  all_three_healthy();
  says("there", eu0, false);
  EXPECT_THAT(health_.take_changes().own, IsEmpty());
  says("here", eu0, true);
  health_.probed(eu0, {.ok = true, .cause = Cause::ssrf_open});
  const auto own = health_.take_changes().own;
  ASSERT_EQ(own.size(), 2U);
  EXPECT_EQ(own[1].observation.cause, Cause::ssrf_open) << "what the probe found is this vantage's word too";
  EXPECT_EQ(health_.own_observations().size(), 3U);
}

TEST_F(VantagesTest, AMonitorThatStartsTakesOverWhatAnotherRemembers) {
  all_three_healthy();
  for (const auto* vantage : {"here", "there", "elsewhere"}) {
    says(vantage, eu0, false);
    says(vantage, eu1, false);
  }
  ASSERT_EQ(health_.served_by("calls", "eu"), "us");

  FleetHealth started("new", clock_);
  started.set_fleet(two_regions());
  started.remember(health_.memory());
  EXPECT_EQ(started.verdict(eu0), Verdict::unhealthy);
  EXPECT_EQ(started.served_by("calls", "eu"), "us") << "its clients are not sent back to a dead region";
  started.observed(eu0, {.vantage = "new", .usable = true, .at = clock_.steady()});
  EXPECT_EQ(started.verdict(eu0), Verdict::unhealthy) << "its quiet time is remembered too";
  clock_.advance(11s);
  while (started.next_time() && *started.next_time() <= clock_.steady()) started.on_time();
  EXPECT_EQ(started.verdict(us0), Verdict::unknown) << "a memory does not last for ever";
}

TEST_F(VantagesTest, AMonitorThatStartsHearsTheOthersBeforeItJudges) {
  all_three_healthy();
  FleetHealth started("new", clock_);
  started.listen_first();
  started.set_fleet(two_regions());
  started.observed(eu0, {.vantage = "new", .usable = false, .cause = Cause::auth_secret, .at = clock_.steady()});
  EXPECT_EQ(started.verdict(eu0), Verdict::unknown);
  started.remember(health_.memory());
  started.observed({{eu0, {.vantage = "there", .usable = true, .at = clock_.steady()}}});
  started.heard_from("there", clock_.steady());
  EXPECT_EQ(started.verdict(eu0), Verdict::degraded) << "it has an old secret, and the relay is well";
}

TEST_F(FleetHealthTest, AMonitorThatStartsAndHearsNobodyJudgesAlone) {
  health_.listen_first();
  dies(eu0);
  EXPECT_EQ(health_.verdict(eu0), Verdict::unknown);
  clock_.advance(1s);
  ASSERT_TRUE(health_.next_time() && *health_.next_time() <= clock_.steady());
  health_.on_time();
  EXPECT_EQ(health_.verdict(eu0), Verdict::unhealthy);
}

TEST_F(FleetHealthTest, WhenEverythingFallsSilentTheVantageLooksAroundBeforeItBelievesIt) {
  Surroundings around;
  health_.set_sight([&] { return around; });
  all_healthy();
  for (const auto& id : {eu0, eu1, us0}) dies(id);
  EXPECT_TRUE(health_.is_blind());
  EXPECT_EQ(health_.verdict(eu0), Verdict::healthy);
  auto changes = health_.take_changes();
  EXPECT_EQ(changes.blind, true);
  ASSERT_FALSE(changes.own.empty());
  EXPECT_TRUE(changes.own.back().observation.blind) << "the others must not count it";

  around.gateway_answered = clock_.steady() + 50ms;
  clock_.advance(100ms);
  health_.on_time();
  changes = health_.take_changes();
  EXPECT_EQ(changes.blind, false);
  EXPECT_THAT(changes.recheck, ElementsAre(eu0, eu1, us0));
  dies(eu0);
  EXPECT_EQ(health_.verdict(eu0), Verdict::unhealthy);
}

TEST_F(FleetHealthTest, AnEchoFromAnywhereEndsBlindness) {
  health_.set_sight([] { return Surroundings{}; });
  all_healthy();
  dies(eu0);
  ASSERT_TRUE(health_.is_blind());
  clock_.advance(100ms);
  health_.echoed(us0, 3ms);
  EXPECT_FALSE(health_.is_blind());
  EXPECT_THAT(health_.take_changes().recheck, ElementsAre(eu0));
}

TEST_F(FleetHealthTest, ARelayThatRefusesIsAnAnswerAndNoBlindness) {
  health_.set_sight([] { return Surroundings{}; });
  all_healthy();
  dies(eu0, Cause::connect_refused);
  EXPECT_EQ(health_.verdict(eu0), Verdict::unhealthy);
}

TEST_F(FleetHealthTest, AfterAStandstillOfThisProcessNothingIsTakenForOld) {
  all_healthy();
  clock_.advance(30s);
  health_.on_time();
  EXPECT_EQ(health_.verdict(eu0), Verdict::healthy);
  echoes({eu0, eu1, us0}, 5s);
  EXPECT_THAT(health_.take_changes().verdicts, IsEmpty());
}

TEST_F(FleetHealthTest, ARegionThatFallsIsOneIncident) {
  all_healthy();
  dies(eu0);
  dies(eu1);
  clock_.advance(2s);
  health_.on_time();
  const auto incidents = health_.take_changes().incidents;
  ASSERT_EQ(incidents.size(), 1U);
  EXPECT_EQ(incidents[0].incident.scope, Incident::Scope::region);
  EXPECT_EQ(health_.status().incidents.size(), 1U);
}

TEST_F(FleetHealthTest, AnAgentThatDrainsItsRelayIsBelieved) {
  all_healthy();
  auto* relay = health_.relay(eu0);
  const AgentState draining{.sessions = 7, .draining = true};
  health_.agent_said(*relay, &draining);
  EXPECT_EQ(health_.verdict(eu0), Verdict::draining);
  EXPECT_TRUE(health_.take_changes().facts);
  health_.agent_said(*relay, nullptr);
  EXPECT_EQ(health_.verdict(eu0), Verdict::healthy) << "not heard any more, but its relay answers";
}

TEST_F(FleetHealthTest, NumbersThatAnAgentCountsAreNoNews) {
  AgentState state{.sessions = 1, .sent_bytes = 10};
  health_.agent_said(*health_.relay(eu0), &state);
  (void)health_.take_changes();
  state.sessions = 2;
  state.sent_bytes = 20;
  health_.agent_said(*health_.relay(eu0), &state);
  EXPECT_FALSE(health_.take_changes().facts);
  EXPECT_EQ(health_.relay_health()[0].facts.agent->sessions, 2U) << "but they are known";
  state.starts = 3;
  health_.agent_said(*health_.relay(eu0), &state);
  EXPECT_TRUE(health_.take_changes().facts);
}

TEST_F(FleetHealthTest, AProofOfAKeyMovesNobodyAndIsKeptAsLongAsTheKeyIs) {
  all_healthy();
  auto fleet = two_regions();
  fleet.clusters[0].signing_keys = {{"k2", Secret("b"), api::SigningKey::Phase::staged, {}}};
  health_.set_fleet(fleet);
  health_.key_tried(*health_.relay(eu0), "k2", {.accepted = false, .at = clock_.system()});
  health_.key_tried(*health_.relay(eu1), "k2", {.accepted = true, .at = clock_.system()});
  auto changes = health_.take_changes();
  EXPECT_TRUE(changes.facts);
  EXPECT_THAT(changes.verdicts, IsEmpty());
  EXPECT_EQ(health_.verdict(eu0), Verdict::healthy);

  const auto trials = health_.status().clusters[0].keys;
  ASSERT_EQ(trials.size(), 1U);
  EXPECT_EQ(trials[0].relays, 3U);
  EXPECT_THAT(trials[0].waiting, ElementsAre("eu-0", "us-0"));
  health_.set_fleet(two_regions());
  EXPECT_THAT(health_.relay_health()[0].facts.keys, IsEmpty());
}

TEST_F(FleetHealthTest, ACertificateIsNewsOnceWhenItIsAnother) {
  ProbeResult probe{.ok = true};
  probe.certificate = turn::PeerCertificate{.not_after = SystemTime(2h), .serial = "0a"};
  health_.probed(eu0, probe);
  EXPECT_TRUE(health_.take_changes().facts);
  health_.probed(eu0, probe);
  EXPECT_FALSE(health_.take_changes().facts);
  EXPECT_EQ(health_.relay_health()[0].facts.certificate, (CertificateSeen{"0a", SystemTime(2h)}));
  probe.certificate->serial = "0b";
  health_.probed(eu0, probe);
  EXPECT_TRUE(health_.take_changes().facts);
}

// A provider's relay, which is probed each minute and has no canary.
// Three regions, as a vantage in eu sees them.
class NearestBackupTest : public FleetHealthTest {
 protected:
  NearestBackupTest() { health_.set_fleet(three_regions()); }

  static Fleet three_regions() {
    Cluster cluster{.name = "calls"};
    for (const auto* name : {"eu", "asia", "us"}) {
      cluster.regions.push_back({.name = name,
                                 .backups = {},
                                 .relays = {{.name = std::string(name) + "-0", .uris = {turn_uri("192.0.2.1")}}}});
    }
    return Fleet{{cluster}};
  }
  static RelayId relay(const std::string& region) { return {"calls", region, region + "-0"}; }

  // Of each echo in these seconds; a region without one does not answer.
  void measure(const std::map<std::string, std::chrono::milliseconds>& round_trips, std::chrono::seconds time) {
    for (auto passed = 0s; passed < time; ++passed) {
      for (const auto& [region, round_trip] : round_trips) {
        health_.echoed(relay(region), round_trip);
        health_.observed(relay(region), {.vantage = "here", .usable = true, .at = clock_.steady()});
      }
      clock_.advance(1s);
      while (health_.next_time() && *health_.next_time() <= clock_.steady()) health_.on_time();
    }
  }
  // As another vantage measures them.
  void hear(const std::map<std::string, std::chrono::milliseconds>& round_trips) {
    for (const auto& [region, round_trip] : round_trips) {
      health_.observed(
          {{relay(region), {.vantage = "there", .usable = true, .at = clock_.steady(), .round_trip = round_trip}}});
    }
    health_.heard_from("there", clock_.steady());
  }
  std::vector<std::string> backups(const std::string& region) const {
    const auto& cluster = health_.fleet().clusters[0];
    return backup_order(cluster, *std::ranges::find(cluster.regions, region, &Region::name));
  }
};

TEST_F(NearestBackupTest, ADeadRegionsClientsGoToTheNearest) {
  measure({{"eu", 1ms}, {"asia", 180ms}, {"us", 80ms}}, 3s);
  EXPECT_TRUE(health_.take_changes().backups) << "lists are to be made anew";
  EXPECT_THAT(backups("eu"), ElementsAre("us", "asia"));
  dies(relay("eu"));
  EXPECT_EQ(health_.served_by("calls", "eu"), "us");
  EXPECT_THAT(health_.region_orders(), testing::Contains(RegionOrder{"calls", "eu", {"us", "asia"}}));
}

TEST_F(NearestBackupTest, FromARegionWithAVantageOfItsOwnItIsThatOnesWord) {
  hear({{"eu", 180ms}, {"asia", 1ms}, {"us", 100ms}});
  measure({{"eu", 1ms}, {"asia", 180ms}, {"us", 80ms}}, 3s);
  EXPECT_THAT(backups("asia"), ElementsAre("us", "eu"));
  EXPECT_EQ(health_.distances().at("calls").at("asia").at("us").round_trip, 100ms);
}

TEST_F(NearestBackupTest, ANewVantagesWordCountsSoon) {
  measure({{"eu", 1ms}, {"asia", 180ms}, {"us", 80ms}}, 3s);
  EXPECT_THAT(backups("asia"), ElementsAre("eu", "us")) << "as listed: nobody stands there";
  hear({{"eu", 180ms}, {"asia", 1ms}, {"us", 100ms}});
  measure({{"eu", 1ms}, {"asia", 180ms}, {"us", 80ms}}, 3s);
  EXPECT_THAT(backups("asia"), ElementsAre("us", "eu"));
}

TEST_F(NearestBackupTest, ItOutlivesTheRegionsOwnVantage) {
  hear({{"eu", 180ms}, {"asia", 1ms}, {"us", 100ms}});
  measure({{"eu", 1ms}, {"asia", 180ms}, {"us", 80ms}}, 3s);
  health_.forget_vantage("there");
  dies(relay("asia"));
  measure({{"eu", 1ms}, {"us", 80ms}}, 60s);
  EXPECT_THAT(backups("asia"), ElementsAre("us", "eu"));
  EXPECT_EQ(health_.served_by("calls", "asia"), "us");
}

TEST_F(NearestBackupTest, ClientsThatWereMovedFollowWhenANearerRegionIsFound) {
  measure({{"eu", 1ms}, {"asia", 180ms}, {"us", 200ms}}, 3s);
  dies(relay("eu"));
  EXPECT_EQ(health_.served_by("calls", "eu"), "asia");
  (void)health_.take_changes();
  measure({{"asia", 180ms}, {"us", 80ms}}, 30s);
  EXPECT_EQ(health_.served_by("calls", "eu"), "us");
  const auto changes = health_.take_changes();
  ASSERT_EQ(changes.failovers.size(), 1U);
  EXPECT_EQ(changes.failovers[0].from, "asia");
}

TEST_F(NearestBackupTest, ABusyMinuteChangesNoOrder) {
  measure({{"eu", 1ms}, {"asia", 180ms}, {"us", 120ms}}, 30s);
  (void)health_.take_changes();
  for (int i = 0; i < 10; ++i) {
    measure({{"eu", 1ms}, {"asia", 180ms}, {"us", 400ms}}, 8s);
    measure({{"eu", 1ms}, {"asia", 180ms}, {"us", 120ms}}, 2s);
  }
  EXPECT_FALSE(health_.take_changes().backups);
}

TEST_F(NearestBackupTest, RegionsOfOneMachineComeAsListed) {
  measure({{"eu", 1ms}, {"asia", 3ms}, {"us", 1ms}}, 30s);
  EXPECT_FALSE(health_.take_changes().backups);
  EXPECT_THAT(backups("eu"), ElementsAre("asia", "us"));
}

TEST_F(NearestBackupTest, TheOrderIsLookedAtSeldom) {
  measure({{"eu", 1ms}, {"asia", 180ms}, {"us", 80ms}}, 3s);
  int wakes = 0;
  for (const auto until = clock_.steady() + 60s; clock_.steady() < until; clock_.advance(1s)) {
    if (health_.next_time() && *health_.next_time() <= clock_.steady()) ++wakes;
    health_.on_time();
  }
  EXPECT_LE(wakes, 16) << "six for the order; three relays that fall silent";
}

class ProviderHealthTest : public FleetHealthTest {
 protected:
  ProviderHealthTest() {
    auto fleet = two_regions();
    auto& region = fleet.clusters[0].regions.emplace_back(Region{.name = "twilio", .external = true});
    region.relays = {
        {.name = "twilio", .uris = {turn_uri("203.0.113.1")}, .probing = api::Probing{.canary = 0ms, .full = 60s}}};
    health_.set_fleet(fleet);
  }
  void probed(bool ok, Cause cause = Cause::none) {
    again_ = health_.probed(twilio_, {.ok = ok, .cause = cause, .detail = ""});
  }

  const RelayId twilio_{"calls", "twilio", "twilio"};
  bool again_ = false;
};

TEST_F(ProviderHealthTest, ItsProbesAloneDecide) {
  EXPECT_EQ(health_.verdict(twilio_), Verdict::unknown);
  probed(true);
  EXPECT_EQ(health_.verdict(twilio_), Verdict::healthy);
  probed(false, Cause::auth_secret);
  EXPECT_EQ(health_.verdict(twilio_), Verdict::unhealthy) << "a provider that refuses its own credential is left";
  probed(true);
  clock_.advance(61s);
  while (health_.next_time() && *health_.next_time() <= clock_.steady()) health_.on_time();
  EXPECT_EQ(health_.verdict(twilio_), Verdict::healthy);
}

TEST_F(ProviderHealthTest, TheOperatorIsToldOfItsBestRelayAndOfWhatItsApiSays) {
  const auto told = [&](const std::string& trouble) {
    return health_.provider_health(
        {{.cluster = "calls", .name = "twilio", .trouble = trouble}, {.cluster = "calls", .name = "named-no-relay"}});
  };
  EXPECT_EQ(told("")[0], (ProviderHealth{.cluster = "calls", .name = "twilio"}));
  probed(true);
  EXPECT_EQ(told("")[0].verdict, Verdict::healthy);
  probed(false, Cause::auth_secret);
  EXPECT_EQ(told("401")[0], (ProviderHealth{"calls", "twilio", Verdict::unhealthy, Cause::auth_secret, "401"}));
  EXPECT_EQ(told("")[1].verdict, Verdict::unknown);
  for (const auto& relay : health_.relay_health()) EXPECT_NE(relay.id, twilio_) << "none of ours";
}

TEST_F(ProviderHealthTest, ASilenceIsBelievedOnlyTheSecondTime) {
  probed(false, Cause::allocate_timeout);
  EXPECT_TRUE(again_);
  EXPECT_EQ(health_.verdict(twilio_), Verdict::unknown);
  probed(false, Cause::allocate_timeout);
  EXPECT_EQ(health_.verdict(twilio_), Verdict::unhealthy);
}

TEST_F(ProviderHealthTest, ItStaysHealthyFromOneProbeToTheNext) {
  probed(true);
  for (int second = 0; second < 100; ++second) {
    clock_.advance(1s);
    while (health_.next_time() && *health_.next_time() <= clock_.steady()) health_.on_time();
  }
  EXPECT_EQ(health_.verdict(twilio_), Verdict::healthy);
}

TEST_F(ProviderHealthTest, ItServesOnceNoneOfOursDoes) {
  all_healthy();
  probed(true);
  EXPECT_EQ(health_.served_by("calls", "eu"), "eu");
  dies(eu0, Cause::connect_refused);
  dies(eu1, Cause::connect_refused);
  EXPECT_EQ(health_.served_by("calls", "eu"), "us");
  dies(us0, Cause::connect_refused);
  EXPECT_EQ(health_.served_by("calls", "eu"), "twilio");
  const auto failovers = health_.take_changes().failovers;
  EXPECT_EQ(failovers.back().to, "twilio");
  for (const auto& failover : failovers) EXPECT_NE(failover.region, "twilio") << "it has no clients of its own";
  EXPECT_EQ(health_.relay_health().size(), 3U) << "the operator has no such relay";
}

}  // namespace
}  // namespace turnkeeper::monitor
