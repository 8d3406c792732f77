#include "operator/plan/status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using api::Cause;
using api::Verdict;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

RelayHealth dead(Cause cause = Cause::connect_timeout) {
  return {.verdict = Verdict::unhealthy, .cause = cause, .since = noon - 1min};
}

StatusInput proven(const std::map<std::string, RelayHealth>& but = {}) {
  return {.pods = {relay("eu", 0), relay("eu", 1), relay("us", 0)},
          .health = cluster_health({report(but)}, noon),
          .target_revisions = {{"eu", "new"}, {"us", "new"}},
          .changing = false,
          .stalled_reason = {},
          .stalled_message = {},
          .previous = nullptr};
}

json status_of(const StatusInput& input, SystemTime now = noon) {
  return to_json(compute_status(two_regions(), input, now));
}

TEST(Status, IsReadyWhenEveryRegionServes) {
  const auto status = status_of(proven());
  EXPECT_EQ(condition(status, "Ready"), "True/AllRegionsServe");
  EXPECT_EQ(message(status, "Ready"), "2 regions serve their clients");
  EXPECT_EQ(condition(status, "RelaysHealthy"), "True/AllRelaysHealthy");
  EXPECT_EQ(condition(status, "Reconciling"), "False/UpToDate");
  EXPECT_EQ(condition(status, "Stalled"), "False/NoObstacle");
  EXPECT_EQ(status["summary"], json::parse(R"({"regions": 2, "serving": 2, "relays": 3, "healthy": 3})"));
  EXPECT_EQ(status["observedGeneration"], 3);
  EXPECT_EQ(status["regions"][0],
            json::parse(R"({"name": "eu", "verdict": "Healthy", "relays": 2, "healthy": 2, "servedBy": "eu"})"));
  EXPECT_EQ(status["relays"][0], json::parse(R"({"name": "eu-0", "region": "eu", "address": "10.0.1.1",
                                                 "verdict": "Healthy", "since": "2026-08-01T12:00:00Z"})"));
}

TEST(Status, StaysReadyWhileOneRelayOfARegionWorks) {
  const auto status = status_of(proven({{"eu-0", dead()}}));
  EXPECT_EQ(condition(status, "Ready"), "True/AllRegionsServe");
  EXPECT_EQ(condition(status, "RelaysHealthy"), "False/RelaysUnhealthy");
  EXPECT_EQ(message(status, "RelaysHealthy"), "2 of 3 relays healthy: eu-0 is Unhealthy (connect-timeout)");
  EXPECT_EQ(status["regions"][0]["verdict"], "Degraded");
  EXPECT_EQ(status["regions"][0]["servedBy"], "eu");
  EXPECT_EQ(status["relays"][0]["cause"], "connect-timeout");
  EXPECT_EQ(status["relays"][0]["since"], "2026-08-01T11:59:00Z");
}

TEST(Status, SaysWhichBackupServesARegionThatIsDown) {
  const auto status = status_of(proven({{"eu-0", dead()}, {"eu-1", dead(Cause::auth_secret)}}));
  EXPECT_EQ(condition(status, "Ready"), "False/FailedOver");
  EXPECT_EQ(message(status, "Ready"),
            "eu is served by us: eu-0 is Unhealthy (connect-timeout), eu-1 is Unhealthy (auth-secret)");
  EXPECT_EQ(status["regions"][0]["verdict"], "Unhealthy");
  EXPECT_EQ(status["regions"][0]["servedBy"], "us");
  EXPECT_EQ(status["summary"]["serving"], 1);
}

TEST(Status, SaysWhenNothingIsLeft) {
  const auto status = status_of(proven({{"eu-0", dead()}, {"eu-1", dead()}, {"us-0", dead()}}));
  EXPECT_EQ(condition(status, "Ready"), "False/RegionDown");
  EXPECT_THAT(message(status, "Ready"), HasSubstr("eu is served by nobody"));
  EXPECT_EQ(status["regions"][1]["servedBy"], "");
}

TEST(Status, FailsOpenWhenNoMonitorIsHeard) {
  auto input = proven();
  input.health = {};
  const auto status = status_of(input);
  EXPECT_EQ(condition(status, "Ready"), "True/MonitorNotHeard");
  EXPECT_THAT(message(status, "Ready"), HasSubstr("readiness alone"));
  EXPECT_EQ(condition(status, "RelaysHealthy"), "Unknown/MonitorNotHeard");
  EXPECT_EQ(status["relays"][0]["verdict"], "Unknown");
  EXPECT_EQ(status["regions"][0]["verdict"], "Unknown");
  EXPECT_EQ(status["regions"][0]["servedBy"], "eu");
  EXPECT_EQ(status["summary"]["healthy"], 0);

  input.pods[0].ready = false;
  input.pods[1].ready = false;
  const auto unready = status_of(input);
  EXPECT_EQ(condition(unready, "Ready"), "False/RelaysStarting");
  EXPECT_EQ(message(unready, "Ready"), "eu is served by us: eu-0 is not ready, eu-1 is not ready");
}

TEST(Status, DoesNotCountAPodThatIsReadyButNotProven) {
  auto input = proven();
  input.health.relays.erase("us-0");
  const auto status = status_of(input);
  EXPECT_EQ(condition(status, "Ready"), "False/RelaysStarting");
  EXPECT_EQ(message(status, "Ready"), "us is served by eu: us-0 is not proven yet");
}

TEST(Status, TellsWhyRelaysDoNotStart) {
  auto input = proven();
  input.pods[2].ready = input.pods[2].running = false;
  input.pods[2].trouble = "ImagePullBackOff: no such image";
  input.health.relays.erase("us-0");
  EXPECT_THAT(message(status_of(input), "Ready"), HasSubstr("us-0 does not start (ImagePullBackOff: no such image)"));
  EXPECT_EQ(condition(status_of(input), "Reconciling"), "True/RelaysStarting");
}

TEST(Status, SendsNobodyToARelayThatIsGoingAway) {
  auto input = proven();
  input.pods[2].deleting = true;
  const auto status = status_of(input);
  EXPECT_EQ(status["relays"][2]["verdict"], "Draining");
  EXPECT_EQ(status["regions"][1]["verdict"], "Draining");
  EXPECT_EQ(status["regions"][1]["servedBy"], "eu");
  EXPECT_EQ(condition(status, "Reconciling"), "True/Rolling");
}

TEST(Status, WhatSeveralRelaysSufferFromIsSaidOnce) {
  auto input = proven();
  input.health.relays.clear();
  for (auto& pod : input.pods) {
    pod.running = false;
    pod.trouble = "Unschedulable: 0/2 nodes are available";
  }
  EXPECT_EQ(message(status_of(input), "RelaysHealthy"),
            "0 of 3 relays healthy: eu-0 does not start (Unschedulable: 0/2 nodes are available), eu-1 likewise, "
            "us-0 likewise");
}

TEST(Status, WhatIsStalledIsNotSaidToBeOnItsWay) {
  auto input = proven();
  input.pods[2].deleting = true;
  input.stalled_reason = "RollHalted";
  input.stalled_message = "us-0 does not start";
  auto status = status_of(input);
  EXPECT_EQ(condition(status, "Stalled"), "True/RollHalted");
  EXPECT_EQ(condition(status, "Reconciling"), "False/Stalled") << "kstatus, and GitOps with it, would wait for ever";
  EXPECT_THAT(message(status, "Reconciling"), HasSubstr("still to be renewed: us-0"));

  auto cluster = two_regions();
  cluster.deleting = true;
  input.unreachable = {{"far", "connection refused"}};
  status = to_json(compute_status(cluster, input, noon));
  EXPECT_EQ(condition(status, "Reconciling"), "True/Deleting");
  EXPECT_THAT(message(status, "Reconciling"), HasSubstr("waits for far, which cannot be reached: connection refused"));
}

TEST(Status, WaitsForRelaysThatAreTooMany) {
  auto input = proven();
  input.pods.push_back(relay("us", 1));
  const auto status = status_of(input);
  EXPECT_EQ(condition(status, "Reconciling"), "True/Draining");
  EXPECT_EQ(status["summary"]["relays"], 3);
}

TEST(Status, IsTheSameAfterwardsUnlessSomethingHappens) {
  auto input = proven({{"eu-0", dead()}});
  input.health.relays.erase("us-0");
  input.previous = status_of(input);
  EXPECT_EQ(status_of(input, noon + 1h), input.previous);

  auto recovered = proven();
  recovered.previous = input.previous;
  const auto after = status_of(recovered, noon + 1h);
  EXPECT_EQ(condition(after, "Ready"), "True/AllRegionsServe");
  for (const auto& item : after["conditions"]) {
    EXPECT_EQ(item["lastTransitionTime"], item["type"] == "Ready" || item["type"] == "RelaysHealthy"
                                              ? "2026-08-01T13:00:00Z"
                                              : "2026-08-01T12:00:00Z");
  }
}

TEST(Status, TellsVersionsAndSessions) {
  auto input = proven();
  input.health.facts["eu-0"].agent = AgentState{.sessions = 120, .version = "4.18.0"};
  input.health.facts["us-0"].agent = AgentState{.sessions = 3, .version = "4.6.1"};
  const auto status = status_of(input);
  EXPECT_EQ(status["relays"][0]["version"], "4.18.0");
  EXPECT_EQ(status["relays"][0]["sessions"], 120);
  EXPECT_FALSE(status["relays"][1].contains("sessions")) << "not heard is not none";
  EXPECT_EQ(status["summary"]["sessions"], 123);
}

TEST(Status, IsNotWrittenForEverySession) {
  auto input = proven();
  const auto sessions_after = [&](int now) {
    input.health.facts["eu-0"].agent = AgentState{.sessions = now};
    return status_of(input)["relays"][0]["sessions"].get<int>();
  };
  EXPECT_EQ(sessions_after(3), 3);
  input.previous = status_of(input);
  EXPECT_EQ(sessions_after(7), 3) << "probes come and go";
  EXPECT_EQ(sessions_after(8), 8);
  EXPECT_EQ(sessions_after(200), 200);
  input.previous = status_of(input);
  EXPECT_EQ(sessions_after(219), 200);
  EXPECT_EQ(sessions_after(220), 220);
  input.fresh_figures = false;
  EXPECT_EQ(sessions_after(900), 200) << "so many seconds later";
}

TEST(Status, SaysWhatTheScaleSubresourceNeeds) {
  auto input = proven();
  auto status = status_of(input);
  EXPECT_EQ(status["selector"], "turnkeeper.io/cluster=calls");
  EXPECT_EQ(status["replicas"], 1) << "us follows spec.relay.replicas, eu has a number of its own";
}

TEST(Status, SaysWhatARollWaitsFor) {
  auto input = proven();
  input.target_revisions = {{"eu", "newer"}};
  input.waiting = {"eu-1 waits: eu-0 is not proven to work"};
  EXPECT_EQ(message(status_of(input), "Reconciling"),
            "still to be renewed: eu-0, eu-1; eu-1 waits: eu-0 is not proven to work");
}

TEST(Status, SaysThatARelayStaysOnACordonedNode) {
  auto input = proven();
  input.stuck = {"eu-0 stays on node-a, which is cordoned: no other node can take it"};
  EXPECT_EQ(condition(status_of(input), "Reconciling"), "False/OnCordonedNode");
}

TEST(Status, ARelayThatFailedLaterIsNotOneThatStarts) {
  auto input = proven({{"us-0", dead()}});
  input.pods[2].proof = Proof::failed;
  input.pods[2].ready = input.pods[2].containers_ready = false;
  EXPECT_EQ(condition(status_of(input), "Reconciling"), "False/UpToDate");
  input.pods[2].proof = Proof::never;
  EXPECT_EQ(condition(status_of(input), "Reconciling"), "True/RelaysStarting");
}

TEST(Status, ARegionAtASiteThatCannotBeReachedIsWhatMonitorsSee) {
  auto cluster = two_regions();
  cluster.spec.regions[1].kubeconfig = {"far", "kubeconfig"};
  auto input = proven();
  input.pods[2].site = "far";
  input.unreachable = {{"far", "connection refused"}};
  auto status = to_json(compute_status(cluster, input, noon));
  EXPECT_EQ(condition(status, "Ready"), "True/AllRegionsServe");
  EXPECT_EQ(condition(status, "Reconciling"), "True/SiteUnreachable");
  EXPECT_EQ(message(status, "Reconciling"), "far cannot be reached: connection refused");
  input.health = {};
  status = to_json(compute_status(cluster, input, noon));
  EXPECT_EQ(condition(status, "Ready"), "Unknown/SiteUnreachable");
  EXPECT_EQ(status["regions"][1]["verdict"], "Unknown");
  EXPECT_EQ(status["regions"][1]["servedBy"], "eu");
}

TEST(Status, DropsTheConditionsOfOptionsThatAreGone) {
  auto input = proven();
  input.within_budget =
      api::Condition{.type = "WithinBudget", .status = api::ConditionStatus::no, .reason = "OverBudget"};
  input.previous = status_of(input);
  EXPECT_EQ(condition(input.previous, "WithinBudget"), "False/OverBudget");
  input.within_budget.reset();
  EXPECT_EQ(condition(status_of(input), "WithinBudget"), "none");
}

TEST(Status, KeepsConditionsThatOthersWrote) {
  auto input = proven();
  input.previous = {{"conditions", {{{"type", "Audited"}, {"status", "True"}, {"reason", "ByHand"}}}}};
  EXPECT_EQ(condition(status_of(input), "Audited"), "True/ByHand");
}

TEST(RefusedStatus, SaysAllThatIsWrongAndKeepsWhatIsKnown) {
  const json object = {{"metadata", {{"name", "calls"}, {"generation", 4}}}, {"status", status_of(proven())}};
  const auto status =
      refused_status(object, {{"spec.realm", "is empty", "write a domain name"}, {"spec.x", "is bad", ""}}, noon);
  EXPECT_EQ(condition(status, "Stalled"), "True/InvalidSpec");
  EXPECT_EQ(message(status, "Stalled"), "spec.realm: is empty; write a domain name\nspec.x: is bad");
  EXPECT_EQ(condition(status, "Ready"), "True/AllRegionsServe") << "the relays of the old spec go on serving";
  EXPECT_EQ(status["regions"].size(), 2u);
  EXPECT_EQ(status["observedGeneration"], 4);

  const auto fresh = refused_status({{"metadata", {{"name", "calls"}}}}, {{"spec", "is missing", ""}}, noon);
  EXPECT_EQ(condition(fresh, "Ready"), "False/InvalidSpec");
}

TEST(Status, SaysWhichBackupServesByTheOrderThatMonitorsServeIn) {
  auto cluster = two_regions();
  cluster.spec.regions[0].backups.clear();
  cluster.spec.regions.push_back({.name = "asia", .backups = {}, .relay = cluster.spec.regions[1].relay});
  auto input = proven({{"eu-0", dead()}, {"eu-1", dead()}});
  auto& pod = input.pods.emplace_back(relay("us", 0));
  pod.region = "asia";
  pod.relay = "asia-0";
  input.health.relays["asia-0"] = {.verdict = Verdict::healthy};
  EXPECT_EQ(to_json(compute_status(cluster, input, noon))["regions"][0]["servedBy"], "us") << "as listed";
  input.health.nearest["eu"] = {"asia", "us"};
  EXPECT_EQ(to_json(compute_status(cluster, input, noon))["regions"][0]["servedBy"], "asia");
}

TEST(Backups, AreAllOthersUnlessNamedTheNearestFirst) {
  auto cluster = two_regions();
  cluster.spec.regions.push_back({.name = "asia", .backups = {}, .relay = {}});
  const auto& eu = cluster.spec.regions[0];
  const auto& us = cluster.spec.regions[1];
  const auto& asia = cluster.spec.regions[2];
  EXPECT_THAT(backups_of(cluster.spec, eu, {}), ElementsAre("us"));
  EXPECT_THAT(backups_of(cluster.spec, us, {}), ElementsAre("eu", "asia")) << "as listed";
  ClusterHealth health;
  health.nearest = {{"eu", {"asia", "us"}}, {"us", {"asia", "gone", "eu"}}, {"asia", {"us"}}};
  EXPECT_THAT(backups_of(cluster.spec, eu, health), ElementsAre("us")) << "it names them";
  EXPECT_THAT(backups_of(cluster.spec, us, health), ElementsAre("asia", "eu"));
  EXPECT_THAT(backups_of(cluster.spec, asia, health), ElementsAre("us", "eu")) << "what is not measured comes last";
}

}  // namespace
}  // namespace turnkeeper::op
