// Regions whose relays run in another Kubernetes cluster: two real control planes.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "operator_process.hpp"
#include "rights.hpp"
#include "trouble.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/kube/config.hpp"
#include "turnkeeper/kube/http_transport.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::IsEmpty;

const std::vector<kube::ResourceType> away_kinds{kube::config_maps,     kube::secrets,
                                                 kube::services,        kube::service_accounts,
                                                 kube::stateful_sets,   kube::pod_disruption_budgets,
                                                 kube::network_policies};

class SitesTest : public OperatorTest {
 protected:
  static void SetUpTestSuite() {
    OperatorTest::SetUpTestSuite();
    auto started = testbed::Part::start({"control-plane"}, in(600s));
    ASSERT_TRUE(started) << started.error().text();
    other = std::make_unique<testbed::Part>(std::move(*started));
  }
  static void TearDownTestSuite() {
    other.reset();
    OperatorTest::TearDownTestSuite();
  }

  void SetUp() override {
    OperatorTest::SetUp();
    ASSERT_TRUE(other);
    auto config = kube::load_config({.kubeconfig_flag = other->info()["kubeconfig"]}, kube::Environment{});
    ASSERT_TRUE(config) << config.error().text();
    auto transport = kube::connect(*config, real_clock());
    ASSERT_TRUE(transport);
    away = std::make_unique<kube::Client>(*transport);
    const json object = {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns}}}};
    ASSERT_TRUE(eventually(
        [&] { return away->apply(kube::namespaces, object, {.field_manager = "test"}, in(10s)).has_value(); }));
  }

  void give_kubeconfig(const std::string& text) {
    apply(kube::secrets, {{"apiVersion", "v1"},
                          {"kind", "Secret"},
                          {"metadata", {{"name", "us-east"}, {"namespace", ns}}},
                          {"data", {{"kubeconfig", base64_encode(text)}}}});
  }
  static std::string other_kubeconfig() {
    std::ifstream file(other->info()["kubeconfig"].get<std::string>());
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  // What docs/turncluster.md says that the operator needs there: a Role of the namespace and a ClusterRole, as YAML.
  [[nodiscard]] std::string documented_roles() const {
    std::ifstream file(TURNKEEPER_SOURCE_DIR "/docs/turncluster.md");
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    text.erase(0, text.find("### What the operator needs in another Kubernetes cluster"));
    const std::string fence = "```yaml\n";
    const auto begin = text.find(fence) + fence.size();
    text = text.substr(begin, text.find("```", begin) - begin);
    const std::string there = "telephony";
    const auto at = text.find(there);
    EXPECT_NE(at, std::string::npos) << text;
    return at == std::string::npos ? text : text.replace(at, there.size(), ns);
  }
  // What the fixture does here, done there.
  template <class Work>
  void there(Work work) {
    std::swap(client, away);
    work();
    std::swap(client, away);
  }
  static void api_server_away(const char* action) {
    ASSERT_TRUE(other->command({{"cmd", "program"}, {"name", "kube-apiserver"}, {"action", action}}, in(60s)));
  }
  // Children of this test's cluster at the other site: "Kind name".
  std::vector<std::string> children_away() {
    std::vector<std::string> out;
    for (const auto& type : away_kinds) {
      auto listed = away->list(type, ns, {.label_selector = "turnkeeper.io/cluster=calls"}, in(10s));
      if (!listed) return {"unreachable"};
      for (const auto& object : listed->items) out.push_back(type.kind + " " + kube::key_of(object).name);
    }
    return out;
  }
  json home_and_away(int relays_away = 2) const {
    return cluster(
        "calls",
        json::array(
            {{{"name", "eu"}, {"relay", {{"replicas", 1}}}},
             {{"name", "us"}, {"kubeconfigSecret", {{"name", "us-east"}}}, {"relay", {{"replicas", relays_away}}}}}));
  }
  bool has_event(const std::string& reason) {
    const auto events = list(kube::events);
    return std::any_of(events.begin(), events.end(), [&](const json& event) { return event["reason"] == reason; });
  }
  bool has_event_with(const std::string& reason, const std::string& words) {
    const auto events = list(kube::events);
    return std::any_of(events.begin(), events.end(), [&](const json& event) {
      return event["reason"] == reason && event["message"].get<std::string>().find(words) != std::string::npos;
    });
  }
  bool is_gone() { return !exists(turn_clusters, "calls"); }

  static std::unique_ptr<testbed::Part> other;
  std::unique_ptr<kube::Client> away;
};

std::unique_ptr<testbed::Part> SitesTest::other;

TEST_F(SitesTest, ARegionsRelaysAreMadeInItsOwnClusterAndGoWithTheTurnCluster) {
  OperatorProcess op(kubeconfig());
  apply(turn_clusters, home_and_away());
  // Its Secret is not there yet; the region at home does not wait for it.
  ASSERT_TRUE(eventually([&] { return exists(kube::stateful_sets, "calls-eu"); }));
  EXPECT_TRUE(eventually([&] { return has_event("SiteUnreachable"); }));
  give_kubeconfig(other_kubeconfig());
  ASSERT_TRUE(eventually([&] { return children_away().size() == 7; })) << ::testing::PrintToString(children_away());
  EXPECT_FALSE(exists(kube::stateful_sets, "calls-us")) << "they belong there, not here";

  const auto set = away->get(kube::stateful_sets, {ns, "calls-us"}, in(10s));
  ASSERT_TRUE(set);
  EXPECT_FALSE((*set)["metadata"].contains("ownerReferences")) << "nothing there could resolve it";
  const json object = *get(turn_clusters, "calls");
  EXPECT_EQ((*set)["metadata"]["labels"]["turnkeeper.io/owner-uid"], object["metadata"]["uid"]);
  EXPECT_THAT(object["metadata"]["finalizers"], Contains("turnkeeper.io/sites"));
  const auto keys_here = get(kube::secrets, "calls-signing-keys");
  const auto keys_there = away->get(kube::secrets, {ns, "calls-signing-keys"}, in(10s));
  ASSERT_TRUE(keys_here && keys_there);
  EXPECT_EQ((*keys_here)["data"], (*keys_there)["data"]) << "one set of credentials for all regions";

  // Drift there is put right as it is here.
  ASSERT_TRUE(away->remove(kube::services, {ns, "calls-us"}, {}, in(10s)));
  EXPECT_TRUE(eventually([&] { return children_away().size() == 7; }));
  // It is drift once all was seen to be as asked for, for which some looks are enough.
  int looks = 0;
  EXPECT_TRUE(eventually([&] {
    if (++looks % 50 == 0) (void)away->remove(kube::services, {ns, "calls-us"}, {}, in(10s));
    return has_event_with("DriftRepaired", "Service calls-us at us-east");
  }));
  EXPECT_FALSE(has_event_with("DriftRepaired", "StatefulSet"))
      << "nobody changed it: it was made when the site was reached";

  // Of two relays the one stays that is there: this Kubernetes is new enough for it.
  there([&] { make_relay("calls-us", 1, "192.0.2.9"); });
  apply(turn_clusters, home_and_away(1));
  EXPECT_TRUE(eventually([&] {
    const auto smaller = away->get(kube::stateful_sets, {ns, "calls-us"}, in(10s));
    return smaller && (*smaller)["spec"]["replicas"] == 1 &&
           smaller->value(json::json_pointer("/spec/ordinals/start"), 0) == 1;
  }));

  remove(turn_clusters, "calls");
  EXPECT_TRUE(eventually([&] { return is_gone(); }));
  EXPECT_THAT(children_away(), IsEmpty());
}

TEST_F(SitesTest, TheDocumentedRightsAreEnoughThereAndNoneIsIdle) {
  const Rights rights(*other, ns);
  const TextFile roles("roles.yaml", documented_roles());
  rights.kubectl({"apply", "-f", roles.path()});
  rights.kubectl({"create", "serviceaccount", "turnkeeper"});
  const std::vector<kube::ResourceType> others_kinds{kube::dns_endpoints, kube::certificates};
  for (const auto& type : others_kinds) {
    there([&] { apply(kube::custom_resource_definitions, definition_of(type)); });
    ASSERT_TRUE(eventually([&] { return away->list(type, ns, {}, in(10s)).has_value(); }));
  }
  const std::string subject = "--serviceaccount=" + ns + ":turnkeeper";
  rights.kubectl({"create", "rolebinding", "turnkeeper-site", "--role=turnkeeper-site", subject});
  give_kubeconfig(rights.kubeconfig_of("turnkeeper"));
  for (const char* secret : {"monitors", "turn-tls"}) {
    apply(kube::secrets, {{"apiVersion", "v1"},
                          {"kind", "Secret"},
                          {"metadata", {{"name", secret}, {"namespace", ns}}},
                          {"stringData", {{"ca.crt", "ca"}, {"tls.crt", "certificate"}, {"tls.key", "key"}}}});
  }
  OperatorProcess op(kubeconfig(), {"--monitor-operator-address=operator.example.org:9443",
                                    "--monitor-tls-secret=monitors", "--namespace=" + ns});
  json both = home_and_away();
  both["spec"]["tls"] = {{"secretName", "turn-tls"}};
  both["spec"]["relay"] = {{"transports", {"UDP", "TLS"}}};
  apply(turn_clusters, both);
  EXPECT_TRUE(eventually([&] { return has_event_with("SiteUnreachable", "nodes"); })) << "which right is missing?";
  rights.kubectl({"create", "clusterrolebinding", ns, "--clusterrole=turnkeeper-site", subject});

  ASSERT_TRUE(eventually([&] {
    return away->get(kube::stateful_sets, {ns, "calls-us"}, in(10s)) &&
           away->get(kube::deployments, {ns, "calls-vantage"}, in(10s));
  })) << op.log();
  make_relay("calls-eu", 0, "192.0.2.107");
  for (int i = 0; i < 2; ++i) {
    there([&] { make_relay("calls-us", i, "192.0.2." + std::to_string(7 + i)); });
  }
  const auto gate = [&] {
    const auto pod = away->get(kube::pods, {ns, "calls-us-0"}, in(10s));
    return pod && pod->dump().find("turnkeeper.io/proven") != std::string::npos;
  };
  EXPECT_TRUE(eventually(gate)) << "the readiness gate is not opened";
  const auto set = away->get(kube::stateful_sets, {ns, "calls-us"}, in(10s));
  ASSERT_TRUE(set);
  ASSERT_TRUE(away->apply_status(
      kube::stateful_sets,
      {{"apiVersion", "apps/v1"},
       {"kind", "StatefulSet"},
       {"metadata", {{"name", "calls-us"}, {"namespace", ns}}},
       {"status",
        {{"replicas", 2}, {"observedGeneration", (*set)["metadata"]["generation"]}, {"updateRevision", "newest"}}}},
      {.field_manager = "test"}, in(10s)));
  EXPECT_TRUE(eventually([&] {
    return std::ranges::any_of(std::vector{"calls-us-0", "calls-us-1"}, [&](const char* name) {
      const auto pod = away->get(kube::pods, {ns, name}, in(10s));
      return !pod || (*pod)["metadata"].contains("deletionTimestamp");
    });
  })) << "the relay is not renewed";
  std::set<std::string> granted;
  for (const auto& role : {rights.kubectl({"get", "role", "turnkeeper-site", "-o", "json"}),
                           rights.kubectl({"get", "clusterrole", "turnkeeper-site", "-o", "json"})}) {
    granted.merge(Rights::granted(role));
  }
  const auto idle = [&] {
    auto rest = granted;
    for (const auto& right : rights.used("turnkeeper")) rest.erase(right);
    return rest;
  };
  // What is looked at only now and then may not be watched yet.
  EXPECT_TRUE(eventually(
      [&] { return std::ranges::none_of(idle(), [](const auto& right) { return right.starts_with("watch "); }); }));
  remove(turn_clusters, "calls");
  EXPECT_TRUE(eventually([&] { return is_gone(); }));
  EXPECT_THAT(children_away(), IsEmpty());
  EXPECT_THAT(idle(), IsEmpty());
  there([&] {
    for (const auto& type : others_kinds) remove_definition(type);
  });
  // Its first looks, before the second binding, are all that was refused.
  std::istringstream log(op.log());
  for (std::string line; std::getline(log, line);) {
    if (line.find("is forbidden") == std::string::npos) continue;
    EXPECT_NE(line.find("list nodes"), std::string::npos) << line;
  }
}

TEST_F(SitesTest, AClusterThatIsAwayKeepsNoOtherWaitingAndIsCaughtUpWith) {
  give_kubeconfig(other_kubeconfig());
  OperatorProcess op(kubeconfig());
  apply(turn_clusters, home_and_away());
  ASSERT_TRUE(eventually([&] { return children_away().size() == 7; }));
  api_server_away("kill");
  ASSERT_TRUE(eventually([&] { return has_event("SiteUnreachable"); }));

  remove(kube::services, "calls-eu");
  EXPECT_TRUE(eventually([&] { return exists(kube::services, "calls-eu"); }));
  // The region goes while nobody can be told there.
  apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}}})));
  ASSERT_TRUE(eventually([&] { return (*get(turn_clusters, "calls"))["status"]["regions"].size() == 1; }));
  op.process().signal(SIGKILL);
  ASSERT_EQ(op.process().wait(in(10s)), 128 + SIGKILL);

  OperatorProcess again(kubeconfig());
  api_server_away("start");
  ASSERT_TRUE(other->command({{"cmd", "wait"}}, in(60s)));
  EXPECT_TRUE(eventually([&] { return children_away().empty(); }))
      << "forgotten: " << ::testing::PrintToString(children_away());
  EXPECT_TRUE(eventually([&] { return !(*get(turn_clusters, "calls"))["metadata"].contains("finalizers"); }));
  remove(turn_clusters, "calls");
  EXPECT_TRUE(eventually([&] { return is_gone(); }));
}

TEST_F(SitesTest, WhatIsAskedForWhileASiteIsNotedIsNotAnsweredByWhatWasAskedBefore) {
  give_kubeconfig(other_kubeconfig());
  const Trouble trouble(part->info(), ns);
  OperatorProcess op(trouble.kubeconfig());
  json object = home_and_away();
  json other_one = object;
  other_one["metadata"]["name"] = "other";
  apply(turn_clusters, other_one);
  ASSERT_TRUE(eventually([&] { return away->get(kube::stateful_sets, {ns, "other-us"}, in(10s)).has_value(); }));

  trouble.inject("hold");
  apply(turn_clusters, object);
  ASSERT_TRUE(eventually([&] { return trouble.held() > 0; }));
  object["spec"]["regions"][0]["relay"]["replicas"] = 4;
  apply(turn_clusters, object);
  trouble.inject("turncluster");
  ASSERT_TRUE(eventually([&] { return get(turn_clusters, "calls")->contains("status"); }));
  EXPECT_EQ((*get(turn_clusters, "calls"))["status"]["observedGeneration"], 2);
  EXPECT_EQ((*get(kube::stateful_sets, "calls-eu"))["spec"]["replicas"], 4);

  trouble.inject("none");
  for (const char* name : {"calls", "other"}) {
    remove(turn_clusters, name);
    EXPECT_TRUE(eventually([&] { return !exists(turn_clusters, name); }));
  }
}

TEST_F(SitesTest, ADeletionDoesNotWaitForEver) {
  give_kubeconfig(other_kubeconfig());
  OperatorProcess op(kubeconfig(), {"--deletion-patience=3"});
  apply(turn_clusters, home_and_away());
  ASSERT_TRUE(eventually([&] { return children_away().size() == 7; }));
  api_server_away("kill");
  ASSERT_TRUE(eventually([&] { return has_event("SiteUnreachable"); }));
  remove(turn_clusters, "calls");
  EXPECT_TRUE(eventually([&] { return is_gone(); })) << "deletion hangs";
  EXPECT_TRUE(eventually([&] { return has_event("LeftBehind"); }));
  api_server_away("start");
  ASSERT_TRUE(other->command({{"cmd", "wait"}}, in(60s)));
}

TEST_F(SitesTest, AKubeconfigThatReadsOurFilesIsRefused) {
  OperatorProcess op(kubeconfig());
  give_kubeconfig(
      "{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}],"
      " clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}],"
      " users: [{name: a, user: {tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token}}]}");
  apply(turn_clusters, home_and_away());
  EXPECT_TRUE(eventually([&] {
    const auto events = list(kube::events);
    return std::any_of(events.begin(), events.end(), [](const json& event) {
      return event["message"].get<std::string>().find("tokenFile names a file") != std::string::npos;
    });
  })) << op.log();
  remove(turn_clusters, "calls");
  EXPECT_TRUE(eventually([&] { return is_gone(); })) << "nothing was ever made there";
}

}  // namespace
}  // namespace turnkeeper::op
