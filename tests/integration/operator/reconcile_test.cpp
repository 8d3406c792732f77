// What the operator makes of a TurnCluster, keeps, and leaves alone.
#include <algorithm>

#include <csignal>

#include "operator_process.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using ::testing::IsEmpty;

const json eu_and_us = json::array({{{"name", "eu"}}, {{"name", "us"}, {"relay", {{"replicas", 1}}}}});
const json eu_alone = json::array({{{"name", "eu"}}});

class ReconcileTest : public OperatorTest {
 protected:
  bool settles(const std::vector<std::string>& regions) {
    const auto expected = expected_children("calls", regions);
    return eventually([&] { return children() == expected; }) &&
           eventually([&] { return !condition("calls", "Ready").is_null(); });
  }
  void make_a_pass(OperatorProcess& op) { OperatorTest::make_a_pass(op, cluster("calls", eu_and_us)); }
  [[nodiscard]] std::string keys() {
    const auto secret = get(kube::secrets, "calls-signing-keys");
    return secret ? (*secret)["data"]["keys.json"].get<std::string>() : std::string();
  }
};

TEST_F(ReconcileTest, MakesEverythingAClusterNeedsAndOwnsIt) {
  OperatorProcess op(kubeconfig());
  apply(turn_clusters, cluster("calls", eu_and_us));
  ASSERT_TRUE(settles({"eu", "us"})) << ::testing::PrintToString(children());
  const auto object = get(turn_clusters, "calls");
  const auto stateful_set = get(kube::stateful_sets, "calls-us");
  ASSERT_TRUE(stateful_set);
  const json owner = (*stateful_set)["metadata"]["ownerReferences"][0];
  EXPECT_EQ(owner["uid"], (*object)["metadata"]["uid"]);
  EXPECT_EQ(owner["controller"], true);
  EXPECT_EQ((*stateful_set)["spec"]["replicas"], 1);
  EXPECT_EQ((*stateful_set)["spec"]["updateStrategy"]["type"], "OnDelete");
  for (const char* type : {"Ready", "Reconciling", "Stalled", "RelaysHealthy"}) {
    const json now = condition("calls", type);
    ASSERT_FALSE(now.is_null()) << type;
    EXPECT_EQ(now["observedGeneration"], (*object)["metadata"]["generation"]) << type;
  }
  EXPECT_EQ(condition("calls", "Stalled")["status"], "False");
  EXPECT_TRUE(eventually([&] {
    const auto events = list(kube::events);
    return std::any_of(events.begin(), events.end(), [](const json& event) { return event["reason"] == "Created"; });
  }));
}

TEST_F(ReconcileTest, AtRestItWritesNothing) {
  OperatorProcess op(kubeconfig());
  apply(turn_clusters, cluster("calls", eu_and_us));
  ASSERT_TRUE(settles({"eu", "us"}));
  make_a_pass(op);
  const auto before = writes_by_operator();
  for (int i = 0; i < 5; ++i) make_a_pass(op);
  EXPECT_EQ(writes_by_operator(), before);
  EXPECT_EQ(op.metric(R"(controller_runtime_reconcile_errors_total{controller="turncluster"})"), 0);
}

TEST_F(ReconcileTest, ARestartWritesNothing) {
  apply(turn_clusters, cluster("calls", eu_and_us));
  {
    OperatorProcess op(kubeconfig(), {"--namespace=" + ns, "--snapshot-secret=targets"});
    ASSERT_TRUE(settles({"eu", "us"}));
    ASSERT_TRUE(eventually([&] { return exists(kube::secrets, "targets"); }));
    make_a_pass(op);
  }
  const auto before = writes_by_operator();
  OperatorProcess again(kubeconfig(), {"--namespace=" + ns, "--snapshot-secret=targets"});
  for (int i = 0; i < 3; ++i) make_a_pass(again);
  EXPECT_EQ(writes_by_operator(), before);
}

TEST_F(ReconcileTest, WhatIsDeletedOrChangedComesBack) {
  OperatorProcess op(kubeconfig());
  apply(turn_clusters, cluster("calls", eu_and_us));
  ASSERT_TRUE(settles({"eu", "us"}));
  make_a_pass(op);
  remove(kube::stateful_sets, "calls-us");
  EXPECT_TRUE(eventually([&] { return exists(kube::stateful_sets, "calls-us"); }));
  apply(kube::config_maps, {{"apiVersion", "v1"},
                            {"kind", "ConfigMap"},
                            {"metadata", {{"name", "calls-eu"}, {"namespace", ns}}},
                            {"data", {{"relay.json", "{}"}}}});
  EXPECT_TRUE(eventually([&] { return (*get(kube::config_maps, "calls-eu"))["data"]["relay.json"] != "{}"; }));
  EXPECT_TRUE(eventually([&] {
    const auto events = list(kube::events);
    return std::any_of(events.begin(), events.end(),
                       [](const json& event) { return event["reason"] == "DriftRepaired"; });
  }));
}

TEST_F(ReconcileTest, WhatOthersAddStays) {
  OperatorProcess op(kubeconfig());
  apply(turn_clusters, cluster("calls", eu_and_us));
  ASSERT_TRUE(settles({"eu", "us"}));
  apply(kube::services, {{"apiVersion", "v1"},
                         {"kind", "Service"},
                         {"metadata", {{"name", "calls-eu"}, {"namespace", ns}, {"annotations", {{"theirs", "1"}}}}}});
  const auto before = writes_by_operator();
  make_a_pass(op);
  EXPECT_EQ((*get(kube::services, "calls-eu"))["metadata"]["annotations"]["theirs"], "1");
  EXPECT_EQ(writes_by_operator(), before);
}

TEST_F(ReconcileTest, ARemovedRegionGoes) {
  OperatorProcess op(kubeconfig());
  apply(turn_clusters, cluster("calls", eu_and_us));
  ASSERT_TRUE(settles({"eu", "us"}));
  apply(turn_clusters, cluster("calls", eu_alone));
  EXPECT_TRUE(settles({"eu"})) << ::testing::PrintToString(children());
}

TEST_F(ReconcileTest, AChangedSpecReachesTheRelays) {
  OperatorProcess op(kubeconfig());
  apply(turn_clusters, cluster("calls", eu_alone));
  ASSERT_TRUE(settles({"eu"}));
  json selected = cluster("calls", eu_alone);
  selected["spec"]["relay"] = {{"nodeSelector", {{"turn", "yes"}}}};
  apply(turn_clusters, selected);
  const auto pod_spec = [&] { return (*get(kube::stateful_sets, "calls-eu"))["spec"]["template"]["spec"]; };
  EXPECT_TRUE(eventually([&] { return pod_spec().value("nodeSelector", json()) == json{{"turn", "yes"}}; }));
  apply(turn_clusters, cluster("calls", eu_alone));
  EXPECT_TRUE(eventually([&] { return !pod_spec().contains("nodeSelector"); })) << "what is asked for no more stays";
}

TEST_F(ReconcileTest, SigningKeysAreNeverReplaced) {
  std::string made;
  {
    OperatorProcess op(kubeconfig());
    apply(turn_clusters, cluster("calls", eu_and_us));
    ASSERT_TRUE(settles({"eu", "us"}));
    made = keys();
    ASSERT_FALSE(made.empty());
    remove(kube::stateful_sets, "calls-eu");
    ASSERT_TRUE(eventually([&] { return exists(kube::stateful_sets, "calls-eu"); }));
  }
  // Without its labels no watch shows the Secret: the operator must not take that for its absence.
  json bare = *get(kube::secrets, "calls-signing-keys");
  bare["metadata"].erase("labels");
  bare["metadata"].erase("managedFields");
  ASSERT_TRUE(client->replace(kube::secrets, bare, in(10s)));
  OperatorProcess again(kubeconfig());
  EXPECT_TRUE(eventually([&] { return (*get(kube::secrets, "calls-signing-keys"))["metadata"].contains("labels"); }));
  EXPECT_EQ(keys(), made);
}

TEST_F(ReconcileTest, PausedMeansHandsOff) {
  OperatorProcess op(kubeconfig());
  apply(turn_clusters, cluster("calls", eu_and_us));
  ASSERT_TRUE(settles({"eu", "us"}));
  json paused = cluster("calls", eu_and_us);
  paused["metadata"]["annotations"]["turnkeeper.io/paused"] = "true";
  apply(turn_clusters, paused);
  ASSERT_TRUE(eventually([&] { return condition("calls", "Reconciling").value("reason", "") == "Paused"; }))
      << condition("calls", "Reconciling");
  const double before = op.passes();
  remove(kube::services, "calls-eu");
  ASSERT_TRUE(eventually([&] { return op.passes() > before; }));
  EXPECT_FALSE(exists(kube::services, "calls-eu"));
  apply(turn_clusters, cluster("calls", eu_and_us));
  EXPECT_TRUE(eventually([&] { return exists(kube::services, "calls-eu"); }));
}

TEST_F(ReconcileTest, KilledAnywhereItGoesOn) {
  // Killed as soon as it has written `count` objects, for several counts: each leaves another half-made state.
  for (const std::size_t count : {1U, 3U, 6U, 9U}) {
    {
      OperatorProcess op(kubeconfig());
      apply(turn_clusters, cluster("calls", eu_and_us));
      ASSERT_TRUE(eventually([&] { return children().size() >= count; }));
      op.process().signal(SIGKILL);
      EXPECT_EQ(op.process().wait(in(10s)), 128 + SIGKILL);
    }
    const std::string made = keys();
    {
      OperatorProcess again(kubeconfig());
      ASSERT_TRUE(settles({"eu", "us"})) << count << ::testing::PrintToString(children());
    }
    EXPECT_EQ(keys(), made) << "the keys that clients may have were replaced";
    remove(turn_clusters, "calls");
    // Nobody collects garbage here: there is no controller manager.
    for (const auto& type : {kube::config_maps, kube::secrets, kube::services, kube::stateful_sets,
                             kube::pod_disruption_budgets, kube::network_policies}) {
      for (const auto& object : list(type)) {
        if (object["metadata"].contains("ownerReferences")) remove(type, kube::key_of(object).name);
      }
    }
  }
}

TEST_F(ReconcileTest, OutlivesTheApiServer) {
  OperatorProcess op(kubeconfig());
  apply(turn_clusters, cluster("calls", eu_and_us));
  ASSERT_TRUE(settles({"eu", "us"}));
  const auto api_server = [&](const char* action) {
    return part->command({{"cmd", "program"}, {"name", "kube-apiserver"}, {"action", action}}, in(60s)).has_value();
  };
  ASSERT_TRUE(api_server("kill"));
  ASSERT_TRUE(eventually([&] { return op.log().find("cannot reach the API server") != std::string::npos; }));
  ASSERT_TRUE(api_server("start"));
  ASSERT_TRUE(part->command({{"cmd", "wait"}}, in(60s)));
  ASSERT_TRUE(eventually([&] { return client->list(turn_clusters, ns, {}, in(5s)).has_value(); }));
  remove(kube::services, "calls-eu");
  EXPECT_TRUE(eventually([&] { return exists(kube::services, "calls-eu"); }, 60s));
  EXPECT_FALSE(op.process().poll());
}

}  // namespace
}  // namespace turnkeeper::op
