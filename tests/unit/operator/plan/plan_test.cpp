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

std::vector<std::string> names(const std::vector<json>& objects) {
  std::vector<std::string> names;
  for (const auto& object : objects) {
    names.push_back(object.at("kind").get<std::string>() + ' ' + object.at("metadata").at("name").get<std::string>());
  }
  return names;
}

void expect_nothing_to_write(const Plan& plan, const Observed& observed) {
  EXPECT_THAT(names(plan.create), IsEmpty());
  EXPECT_THAT(names(plan.apply), IsEmpty());
  EXPECT_THAT(plan.prune, IsEmpty());
  EXPECT_FALSE(plan.roll.has_value());
  EXPECT_EQ(plan.status, observed.status) << json::diff(observed.status, plan.status).dump(2);
}

TEST(Plan, MakesEverythingForANewCluster) {
  const auto first = plan(two_regions(), Observed{}, settings(), noon);
  EXPECT_THAT(names(first.create), ElementsAre("Secret calls-signing-keys"));
  EXPECT_THAT(names(first.apply), ElementsAre("ConfigMap calls-eu", "NetworkPolicy calls-eu", "Service calls-eu",
                                              "PodDisruptionBudget calls-eu", "StatefulSet calls-eu",
                                              "ConfigMap calls-us", "NetworkPolicy calls-us", "Service calls-us",
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
  EXPECT_EQ(json(a.apply).dump(), json(b.apply).dump());
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
  EXPECT_THAT(pruned, testing::UnorderedElementsAre("ConfigMap calls-us", "NetworkPolicy calls-us", "Service calls-us",
                                                    "PodDisruptionBudget calls-us", "StatefulSet calls-us"));
  EXPECT_EQ(without_us.prune[0].uid, without_us.prune[0].kind + "-uid");
}

TEST(Plan, RemovesNothingThatItDoesNotOwn) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  const json stranger = {
      {"apiVersion", "v1"},
      {"kind", "ConfigMap"},
      {"metadata", {{"name", "notes"}, {"namespace", "telephony"}, {"labels", {{"turnkeeper.io/cluster", "calls"}}}}}};
  observed.children.push_back(stranger);
  // Of an earlier cluster with the same name: the garbage collector's business.
  auto old = child_of(observed, "ConfigMap", "calls-us");
  old["metadata"]["name"] = "calls-old";
  old["metadata"]["ownerReferences"][0]["uid"] = "another-uid";
  observed.children.push_back(old);
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
  observed.pods[2]["metadata"]["labels"]["controller-revision-hash"] = "old";
  const auto paused = plan(cluster, observed, settings(), noon);
  EXPECT_THAT(names(paused.apply), IsEmpty());
  EXPECT_FALSE(paused.roll.has_value());
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

TEST(Plan, RollsTheNextPodWithItsUidAsAPrecondition) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  child_of(observed, "StatefulSet", "calls-us")["status"]["updateRevision"] = "newer";
  const auto rolling = plan(cluster, observed, settings(), noon);
  EXPECT_EQ(rolling.roll, (ObjectRef{"v1", "Pod", "telephony", "calls-us-0", "calls-us-0-uid"}));
  EXPECT_EQ(condition(rolling.status, "Reconciling"), "True/Rolling");
}

TEST(Plan, WaitsForTheStatefulSetControllerBeforeItRolls) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  auto& set = child_of(observed, "StatefulSet", "calls-us");
  set["status"]["updateRevision"] = "older";  // of a generation that is not the newest
  set["metadata"]["generation"] = 2;
  EXPECT_FALSE(plan(cluster, observed, settings(), noon).roll.has_value());
  set.erase("status");
  EXPECT_FALSE(plan(cluster, observed, settings(), noon).roll.has_value());
}

TEST(Plan, LooksAgainWhenAVantageWouldFallSilent) {
  const auto cluster = two_regions();
  auto observed = at_rest(cluster);
  observed.reports = {report({}, noon - 25s, "home"), report({}, noon - 1s, "away"), report({}, noon - 1h, "gone")};
  EXPECT_EQ(plan(cluster, observed, settings(), noon).requeue, 5s);
  observed.reports.clear();
  EXPECT_EQ(plan(cluster, observed, settings(), noon).requeue, std::nullopt);
}

}  // namespace
}  // namespace turnkeeper::op
