#include "operator/plan/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> names(const std::vector<Placed>& objects) {
  std::vector<std::string> names;
  for (const auto& [site, object] : objects) {
    names.push_back((site.empty() ? "" : site + ": ") + object.at("kind").get<std::string>() + ' ' +
                    object.at("metadata").at("name").get<std::string>());
  }
  return names;
}

void expect_nothing_to_write(const Plan& plan, const Observed& observed) {
  EXPECT_THAT(names(plan.create), IsEmpty());
  EXPECT_THAT(names(plan.apply), IsEmpty());
  EXPECT_THAT(plan.prune, IsEmpty());
  EXPECT_THAT(plan.remove, IsEmpty());
  EXPECT_TRUE(plan.pods_apply.empty());
  EXPECT_TRUE(plan.pods_status.empty());
  EXPECT_EQ(plan.status, observed.status) << json::diff(observed.status, plan.status).dump(2);
}

TEST(Plan, MakesEverythingForANewCluster) {
  const auto first = plan(two_regions(), Observed{}, settings(), noon);
  EXPECT_THAT(names(first.create), ElementsAre("Secret calls-signing-keys"));
  EXPECT_THAT(names(first.apply),
              ElementsAre("ConfigMap calls-eu", "ServiceAccount calls-eu", "NetworkPolicy calls-eu", "Service calls-eu",
                          "PodDisruptionBudget calls-eu", "StatefulSet calls-eu", "ConfigMap calls-us",
                          "ServiceAccount calls-us", "NetworkPolicy calls-us", "Service calls-us",
                          "PodDisruptionBudget calls-us", "StatefulSet calls-us"));
  EXPECT_THAT(first.keys, IsEmpty()) << "monitors must not use a key before it is known to be the one that relays get";
  EXPECT_EQ(condition(first.status, "Ready"), "False/RelaysStarting");
  EXPECT_EQ(condition(first.status, "Reconciling"), "True/RelaysStarting");
}

TEST(Plan, WritesNothingAtRest) {
  const auto cluster = two_regions();
  const auto observed = at_rest(cluster);
  const auto later = plan(cluster, observed, settings(), noon + 20s);
  expect_nothing_to_write(later, observed);
  EXPECT_EQ(condition(later.status, "Ready"), "True/AllRegionsServe");
  EXPECT_EQ(condition(later.status, "Reconciling"), "False/UpToDate");
  ASSERT_EQ(later.keys.size(), 1u);
  EXPECT_EQ(later.keys[0].secret.reveal(), "first");
}

TEST(Plan, GivesTheSameForTheSame) {
  const auto cluster = two_regions();
  const auto a = plan(cluster, Observed{}, settings(), noon);
  const auto b = plan(cluster, Observed{}, settings(), noon);
  ASSERT_EQ(a.apply.size(), b.apply.size());
  for (std::size_t i = 0; i < a.apply.size(); ++i) EXPECT_EQ(a.apply[i].object.dump(), b.apply[i].object.dump());
  EXPECT_EQ(a.status.dump(), b.status.dump());
}

TEST(Plan, UndoesWhatSomebodyElseChanged) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  child_of(observed, "StatefulSet", "calls-eu")["spec"]["replicas"] = 0;
  EXPECT_THAT(names(plan(cluster, observed, settings(), noon).apply), ElementsAre("StatefulSet calls-eu"));
}

TEST(Plan, LeavesFieldsOfOthersAlone) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  child_of(observed, "Service", "calls-eu")["metadata"]["annotations"]["example.org/dns"] = "yes";
  expect_nothing_to_write(plan(cluster, observed, settings(), noon), observed);
}

TEST(Plan, TakesBackAFieldThatIsAskedForNoMore) {
  auto cluster = two_regions();
  cluster.spec.regions[0].relay.node_selector = {{"turn", "yes"}};
  const auto observed = at_rest(cluster);
  cluster.spec.regions[0].relay.node_selector.clear();
  EXPECT_THAT(names(plan(cluster, observed, settings(), noon).apply), ElementsAre("StatefulSet calls-eu"));
}

TEST(Plan, RemovesTheChildrenOfARegionThatIsGone) {
  auto cluster = two_regions();
  auto observed = at_rest(cluster);
  cluster.spec.regions.pop_back();
  cluster.spec.regions[0].backups.clear();
  const auto without_us = plan(cluster, observed, settings(), noon);
  std::vector<std::string> pruned;
  for (const auto& ref : without_us.prune) pruned.push_back(ref.kind + ' ' + ref.name);
  EXPECT_THAT(pruned, testing::UnorderedElementsAre("ConfigMap calls-us", "ServiceAccount calls-us",
                                                    "NetworkPolicy calls-us", "Service calls-us",
                                                    "PodDisruptionBudget calls-us", "StatefulSet calls-us"));
  EXPECT_EQ(without_us.prune[0].uid, without_us.prune[0].kind + "-uid");
}

TEST(Plan, TheServiceOfARelayWhoseRegionIsGoneGoesAfterItsPod) {
  auto cluster = two_regions();
  cluster.spec.regions[1].relay.exposure = api::Exposure::load_balancer;
  auto observed = at_rest(cluster);
  observed.pods[2].object["metadata"]["annotations"]["turnkeeper.io/exposure"] = "LoadBalancer";
  cluster.spec.regions.pop_back();
  cluster.spec.regions[0].backups.clear();
  const auto prunes_service = [&] {
    const auto pruned = plan(cluster, observed, settings(), noon).prune;
    return std::ranges::find(pruned, "calls-us-0", &ObjectRef::name) != pruned.end();
  };
  EXPECT_FALSE(prunes_service()) << "its last calls come through it";
  observed.pods.pop_back();
  EXPECT_TRUE(prunes_service());
}

TEST(Plan, KeepsItsKeysWhenASiteThatWasThisVeryClusterGoes) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  observed.recorded = {"own"};
  auto keys = child_of(observed, "Secret", "calls-signing-keys");
  auto left = child_of(observed, "ConfigMap", "calls-us");
  for (auto* object : {&keys, &left}) (*object)["metadata"]["labels"]["turnkeeper.io/owner-uid"] = cluster.uid;
  left["metadata"].erase("ownerReferences");
  left["metadata"]["name"] = "calls-me";
  observed.children.push_back({"own", keys});
  observed.children.push_back({"own", left});
  const auto result = plan(cluster, observed, settings(), noon);
  ASSERT_EQ(result.prune.size(), 1u) << "the keys that all relays use";
  EXPECT_EQ(result.prune[0].name, "calls-me");
  observed.children.pop_back();
  EXPECT_EQ(plan(cluster, observed, settings(), noon).record, std::set<std::string>()) << "nothing is left there";
}

TEST(Plan, RemovesNothingThatItDoesNotOwn) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  const json stranger = {
      {"apiVersion", "v1"},
      {"kind", "ConfigMap"},
      {"metadata", {{"name", "notes"}, {"namespace", "telephony"}, {"labels", {{"turnkeeper.io/cluster", "calls"}}}}}};
  observed.children.push_back({"", stranger});
  // Of an earlier cluster with the same name: the garbage collector's business.
  auto old = child_of(observed, "ConfigMap", "calls-us");
  old["metadata"]["name"] = "calls-old";
  old["metadata"]["ownerReferences"][0]["uid"] = "another-uid";
  observed.children.push_back({"", old});
  expect_nothing_to_write(plan(cluster, observed, settings(), noon), observed);
}

TEST(Plan, NeverReplacesSigningKeysThatCannotBeRead) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  auto& secret = child_of(observed, "Secret", "calls-signing-keys");
  for (const std::string& data : {std::string("%%%"), base64_encode("[{\"id\":"), std::string()}) {
    secret["data"]["keys.json"] = data;
    const auto stalled = plan(cluster, observed, settings(), noon);
    EXPECT_THAT(names(stalled.create), IsEmpty());
    EXPECT_THAT(names(stalled.apply), IsEmpty());
    EXPECT_THAT(stalled.prune, IsEmpty());
    EXPECT_THAT(stalled.keys, IsEmpty());
    EXPECT_EQ(condition(stalled.status, "Stalled"), "True/SigningKeysUnreadable");
    EXPECT_THAT(message(stalled.status, "Stalled"), HasSubstr("calls-signing-keys"));
    EXPECT_EQ(condition(stalled.status, "Ready"), "True/AllRegionsServe") << "the relays that run go on serving";
  }
}

TEST(Plan, KeepsItsHandsOffAPausedCluster) {
  auto cluster = two_regions();
  auto observed = at_rest(cluster);
  cluster.spec.paused = true;
  cluster.spec.regions[0].relay.replicas = 5;
  cluster.spec.regions[0].relay.image = "other";
  observed.pods[2].object["metadata"]["labels"]["controller-revision-hash"] = "old";
  const auto paused = plan(cluster, observed, settings(), noon);
  EXPECT_THAT(names(paused.apply), IsEmpty());
  EXPECT_THAT(paused.remove, IsEmpty());
  EXPECT_TRUE(paused.pods_apply.empty());
  EXPECT_EQ(condition(paused.status, "Reconciling"), "False/Paused");
  EXPECT_THAT(paused.keys, Not(IsEmpty())) << "monitors go on watching";

  EXPECT_THAT(names(plan(cluster, Observed{}, settings(), noon).create), IsEmpty());
}

TEST(Plan, LeavesADeletedClusterToTheGarbageCollector) {
  auto cluster = two_regions();
  auto observed = at_rest(cluster);
  cluster.deleting = true;
  observed.children.clear();
  const auto gone = plan(cluster, observed, settings(), noon);
  EXPECT_THAT(names(gone.create), IsEmpty());
  EXPECT_THAT(names(gone.apply), IsEmpty());
  EXPECT_EQ(condition(gone.status, "Reconciling"), "True/Deleting");
}

TEST(Plan, RenewsARelayAfterItsClientsWereMoved) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  child_of(observed, "StatefulSet", "calls-us")["status"]["updateRevision"] = "newer";
  const auto marking = plan(cluster, observed, settings(), noon);
  EXPECT_THAT(marking.remove, IsEmpty()) << "its clients are still sent there";
  ASSERT_EQ(marking.pods_apply.size(), 1u);
  const auto& mark = marking.pods_apply[0].object;
  EXPECT_EQ(mark["metadata"], json::parse(R"({"name": "calls-us-0", "namespace": "telephony", "uid": "calls-us-0-uid",
                                              "annotations": {"turnkeeper.io/draining": "2026-08-01T12:00:00Z"}})"));
  EXPECT_EQ(condition(marking.status, "Reconciling"), "True/Rolling");

  observed.pods[2].object["metadata"]["annotations"] = mark["metadata"]["annotations"];
  const auto waiting = plan(cluster, observed, settings(), noon + 1s);
  EXPECT_TRUE(waiting.pods_apply.empty());
  EXPECT_THAT(waiting.remove, IsEmpty());

  observed.reports = {report({{"us-0", {.verdict = api::Verdict::draining, .cause = {}, .since = noon}}})};
  EXPECT_THAT(plan(cluster, observed, settings(), noon + 1s).remove,
              ElementsAre(Removal{{"", "v1", "Pod", "telephony", "calls-us-0", "calls-us-0-uid"}, std::nullopt}));

  child_of(observed, "StatefulSet", "calls-us")["status"]["updateRevision"] = "new";
  const auto undone = plan(cluster, observed, settings(), noon + 1s);
  EXPECT_THAT(undone.remove, IsEmpty());
  ASSERT_EQ(undone.pods_apply.size(), 1u) << "the spec came back: the relay takes clients again";
  EXPECT_FALSE(undone.pods_apply[0].object["metadata"].contains("annotations"));
}

TEST(Plan, OpensTheGateOfAProvenPod) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  observed.pods[1].object["status"]["conditions"] = {{{"type", "ContainersReady"}, {"status", "True"}}};
  const auto opening = plan(cluster, observed, settings(), noon);
  ASSERT_EQ(opening.pods_status.size(), 1u);
  EXPECT_EQ(opening.pods_status[0].object["metadata"]["name"], "calls-eu-1");
  auto paused = cluster;
  paused.spec.paused = true;
  EXPECT_EQ(plan(paused, observed, settings(), noon).pods_status.size(), 1u)
      << "a pod that comes back during a pause must not stay out of its Service";
}

TEST(Plan, WritesFiguresAtMostEveryTenSeconds) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  const auto with_sessions = [&](int sessions, SystemTime now) {
    auto heard = report({}, now);
    heard.facts["eu-0"].agent = AgentState{.sessions = sessions};
    observed.reports = {heard};
    const auto planned = plan(cluster, observed, settings(), now);
    observed.status = planned.status;
    observed.memory = planned.memory;
    return planned.status["relays"][0]["sessions"].get<int>();
  };
  EXPECT_EQ(with_sessions(10, noon), 10);
  EXPECT_EQ(with_sessions(100, noon + 4s), 10);
  EXPECT_EQ(with_sessions(200, noon + 10s), 200);
}

TEST(Plan, KeepsAnAccountOfWhatTheRelaysCost) {
  auto cluster = two_regions();
  cluster.spec.budget = api::Budget{.monthly = 20, .per_relay = 8, .per_gigabyte = 1};
  auto observed = at_rest(cluster);
  const auto after_sending = [&](std::uint64_t bytes, SystemTime now) {
    auto heard = report({}, now);
    heard.facts["eu-0"].agent = AgentState{.sent_bytes = bytes};
    observed.reports = {heard};
    observed.steady = SteadyTime(std::chrono::duration_cast<SteadyTime::duration>(now.time_since_epoch()));
    const auto planned = plan(cluster, observed, settings(), now);
    observed.status = planned.status;
    observed.memory = planned.memory;
    return planned;
  };
  EXPECT_EQ(condition(after_sending(0, noon).status, "WithinBudget"), "False/OverBudget") << "3 relays for 8 each";
  cluster.spec.budget->monthly = 30;
  EXPECT_EQ(condition(after_sending(0, noon).status, "WithinBudget"), "True/WithinBudget");
  const auto spent = after_sending(9'000'000'000, noon + 1min);
  EXPECT_EQ(condition(spent.status, "WithinBudget"), "False/OverBudget");
  EXPECT_EQ(spent.status["budget"]["gigabytes"], "9.00");
  ASSERT_TRUE(spent.cost.has_value());
  EXPECT_EQ(observed.status, after_sending(9'000'000'000, noon + 2min).status) << "nothing to write";
  cluster.spec.budget->at_limit = api::Budget::AtLimit::lower_bandwidth;
  const auto lowered = after_sending(9'000'000'000, noon + 3min);
  EXPECT_THAT(names(lowered.apply), ElementsAre("ConfigMap calls-eu", "ConfigMap calls-us")) << "no relay restarts";
}

TEST(Plan, MonitorsGoOnWatchingARegionThatTheOperatorCannotReach) {
  auto cluster = two_regions();
  auto observed = at_rest(cluster);
  cluster.spec.regions[1].kubeconfig = {"far", "kubeconfig"};
  observed.unreachable = {{"far", "connection refused"}};
  observed.recorded = {"far"};
  const auto blind = plan(cluster, observed, settings(), noon);
  const auto us = std::ranges::find(blind.pods, "us-0", &RelayPod::relay);
  ASSERT_NE(us, blind.pods.end()) << "a restarted operator must not make monitors forget it";
  EXPECT_EQ(us->addresses, std::vector<std::string>{"10.0.2.1"});
  EXPECT_EQ(us->ports.at(api::Transport::udp), 3478);
  EXPECT_THAT(blind.remove, IsEmpty());

  observed.status = blind.status;
  observed.status["relays"][2]["name"] = "us-1";
  const auto still_blind = plan(cluster, observed, settings(), noon);
  EXPECT_TRUE(std::ranges::any_of(still_blind.pods, [](const auto& pod) { return pod.relay == "us-1"; }));
  EXPECT_EQ(still_blind.status["relays"][2]["name"], "us-1") << "or the next operator would not know of it any more";
}

TEST(Plan, StaysStalledWhileAContainerIsTriedAgain) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  auto& status = observed.pods[2].object["status"];
  status["conditions"] = json::array();
  status["containerStatuses"] = {{{"state", {{"waiting", {{"reason", "CrashLoopBackOff"}}}}}}};
  observed.reports = {report({{"us-0", {}}})};
  observed.status = plan(cluster, observed, settings(), noon).status;
  EXPECT_EQ(condition(observed.status, "Stalled"), "True/RelayFails");
  status["containerStatuses"] = {{{"state", {{"running", json::object()}}}}};
  EXPECT_EQ(condition(plan(cluster, observed, settings(), noon).status, "Stalled"), "True/RelayFails");
  observed.reports = {report()};
  EXPECT_EQ(condition(plan(cluster, observed, settings(), noon).status, "Stalled"), "False/NoObstacle");
}

TEST(Plan, ScalesDownOnlyAfterClientsWereMoved) {
  auto cluster = two_regions();
  auto observed = at_rest(cluster);
  cluster.spec.regions[0].relay.replicas = 1;
  const auto marking = plan(cluster, observed, settings(), noon);
  EXPECT_THAT(names(marking.apply), Not(testing::Contains("StatefulSet calls-eu")));
  ASSERT_EQ(marking.pods_apply.size(), 1u);
  EXPECT_EQ(marking.pods_apply[0].object["metadata"]["name"], "calls-eu-1");
  EXPECT_EQ(marking.status["regions"][0]["relays"], 1);

  observed.pods[1].object["metadata"]["annotations"] = marking.pods_apply[0].object["metadata"]["annotations"];
  observed.reports = {report({{"eu-1", {.verdict = api::Verdict::draining, .cause = {}, .since = noon}}})};
  const auto shrinking = plan(cluster, observed, settings(), noon + 1s);
  ASSERT_THAT(names(shrinking.apply), testing::Contains("StatefulSet calls-eu"));
  EXPECT_EQ(shrinking.notices.front().message, "region eu: from 2 to 1 relay");
}

TEST(Plan, TheEmptierRelayIsGivenUpAndItsNumberComesBackFirst) {
  auto cluster = two_regions();
  auto observed = at_rest(cluster);
  cluster.spec.regions[0].relay.replicas = 1;
  auto heard = report({{"eu-0", {.verdict = api::Verdict::draining, .cause = {}, .since = noon}}});
  heard.facts["eu-0"].agent = AgentState{.sessions = 0};
  heard.facts["eu-1"].agent = AgentState{.sessions = 40};
  observed.reports = {report()};
  observed.reports[0].facts = heard.facts;
  const auto marking = plan(cluster, observed, settings(), noon);
  ASSERT_EQ(marking.pods_apply.size(), 1u);
  EXPECT_EQ(marking.pods_apply[0].object["metadata"]["name"], "calls-eu-0");
  EXPECT_THAT(names(marking.apply), Not(testing::Contains("StatefulSet calls-eu")));

  observed.pods[0].object["metadata"]["annotations"] = marking.pods_apply[0].object["metadata"]["annotations"];
  observed.reports = {heard};
  auto shrinking = plan(cluster, observed, settings(), noon + 1s);
  ASSERT_THAT(names(shrinking.apply), ElementsAre("StatefulSet calls-eu"));
  const auto& applied = shrinking.apply[0].object;
  EXPECT_EQ(applied["spec"]["ordinals"], (json{{"start", 1}}));
  EXPECT_EQ(applied["spec"]["replicas"], 1);
  EXPECT_EQ(applied["metadata"]["resourceVersion"], "42") << "over one that another leader changed it would take eu-1";

  auto& set = child_of(observed, "StatefulSet", "calls-eu");
  set.merge_patch(applied);
  observed.pods.erase(observed.pods.begin());
  const auto after = plan(cluster, observed, settings(), noon + 2s);
  EXPECT_THAT(names(after.apply), IsEmpty());
  EXPECT_TRUE(after.pods_apply.empty());
  ASSERT_EQ(after.status["relays"].size(), 2u);
  EXPECT_EQ(after.status["relays"][0]["name"], "eu-1");
  EXPECT_EQ(condition(after.status, "Ready"), "True/AllRegionsServe");

  cluster.spec.regions[0].relay.replicas = 2;
  const auto growing = plan(cluster, observed, settings(), noon + 3s);
  ASSERT_THAT(names(growing.apply), ElementsAre("StatefulSet calls-eu"));
  EXPECT_EQ(growing.apply[0].object["spec"]["ordinals"], (json{{"start", 0}}));
  EXPECT_EQ(growing.apply[0].object["spec"]["replicas"], 2);
}

TEST(Plan, GivesUpTheHighestWhereOrdinalsMayBeUnknown) {
  auto cluster = two_regions();
  auto observed = at_rest(cluster);
  observed.may_start_higher.clear();
  cluster.spec.regions[0].relay.replicas = 1;
  observed.reports[0].facts["eu-0"].agent = AgentState{.sessions = 0};
  observed.reports[0].facts["eu-1"].agent = AgentState{.sessions = 40};
  const auto marking = plan(cluster, observed, settings(), noon);
  ASSERT_EQ(marking.pods_apply.size(), 1u);
  EXPECT_EQ(marking.pods_apply[0].object["metadata"]["name"], "calls-eu-1");
}

TEST(Plan, AnOrdinalThatSomebodyElseSaidIsSaidOtherwise) {
  auto cluster = two_regions();
  auto observed = at_rest(cluster);
  // `kubectl edit`: what another manager owns does not go away by being left out.
  child_of(observed, "StatefulSet", "calls-eu")["spec"]["ordinals"] = {{"start", 1}};
  observed.pods = at("", {pod("eu", 1), pod("eu", 2), pod("us", 0)});
  cluster.spec.regions[0].relay.public_address.fixed = {"203.0.113.1", "203.0.113.2"};
  const auto back = plan(cluster, observed, settings(), noon);
  const auto set = std::ranges::find(back.apply, "StatefulSet", [](const Placed& p) { return p.object["kind"]; });
  ASSERT_NE(set, back.apply.end());
  EXPECT_EQ(set->object["spec"]["ordinals"], (json{{"start", 0}})) << "or a relay more is made in each pass";
  EXPECT_EQ(set->object["spec"]["replicas"], 3);
}

TEST(Plan, AStatefulSetThatSomebodyDeletedGoesOnWithTheRelaysThatItHad) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  std::erase_if(observed.children, [](const Placed& child) {
    return child.object["kind"] == "StatefulSet" && child.object["metadata"]["name"] == "calls-eu";
  });
  observed.pods[0].object["metadata"]["deletionTimestamp"] = rfc3339(noon);
  observed.pods.push_back({"", pod("eu", 2)});
  const auto again = plan(cluster, observed, settings(), noon);
  ASSERT_THAT(names(again.apply), ElementsAre("StatefulSet calls-eu"));
  EXPECT_EQ(again.apply[0].object["spec"]["ordinals"], (json{{"start", 1}})) << "kubectl delete --cascade=orphan";
  EXPECT_EQ(again.apply[0].object["spec"]["replicas"], 2);
}

TEST(Plan, WaitsForTheStatefulSetControllerBeforeItRolls) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  auto& set = child_of(observed, "StatefulSet", "calls-us");
  set["status"]["updateRevision"] = "older";  // of a generation that is not the newest
  set["metadata"]["generation"] = 2;
  EXPECT_TRUE(plan(cluster, observed, settings(), noon).pods_apply.empty());
  set.erase("status");
  EXPECT_TRUE(plan(cluster, observed, settings(), noon).pods_apply.empty());
}

TEST(Plan, LooksAgainWhenAVantageWouldFallSilent) {
  auto cluster = two_regions();
  cluster.spec.credentials.rotate_every = 0s;
  auto observed = at_rest(cluster);
  observed.reports = {report({}, noon - 25s, "home"), report({}, noon - 1s, "away"), report({}, noon - 1h, "gone")};
  EXPECT_EQ(plan(cluster, observed, settings(), noon).requeue, 5s);
  observed.reports.clear();
  EXPECT_EQ(plan(cluster, observed, settings(), noon).requeue, std::nullopt);
}

TEST(Plan, SaysOnceHowManySessionsTheEndOfARelayCut) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  auto& gone = observed.pods[0].object;
  gone["metadata"]["deletionTimestamp"] = "2026-08-01T12:00:00Z";
  gone["status"]["containerStatuses"] = {
      {{"name", "relay"},
       {"state", {{"terminated", {{"message", "2 sessions cut at the end of the drain timeout"}}}}}}};
  const auto told = [&] {
    const auto result = plan(cluster, observed, settings(), noon);
    observed.memory = result.memory;
    return std::ranges::count_if(result.notices, [](const Notice& notice) {
      return notice.warning && notice.reason == "SessionsCut" &&
             notice.message.find("2 sessions cut") != std::string::npos;
    });
  };
  EXPECT_EQ(told(), 1);
  EXPECT_EQ(told(), 0) << "while the pod goes there are several looks, and nothing more was cut";
}

}  // namespace
}  // namespace turnkeeper::op
