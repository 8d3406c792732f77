// The operator with exactly the rights that the Helm chart gives it.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "operator_process.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

class RightsTest : public OperatorTest {
 protected:
  std::string run(const std::vector<std::string>& argv) {
    auto done = run_command(argv, in(60s));
    EXPECT_TRUE(done) << done.error().text();
    EXPECT_EQ(done->status, 0) << done->text;
    return done->text;
  }
  std::string kubectl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {part->info()["kubectl"], "--kubeconfig", kubeconfig(), "--namespace", ns});
    return run(arguments);
  }
  // A kubeconfig for this service account, removed with the test.
  std::string kubeconfig_of(const std::string& account) {
    std::string token = kubectl({"create", "token", account});
    while (token.ends_with('\n')) token.pop_back();
    const json server = {{"server", part->info()["server"]}, {"certificate-authority", part->info()["ca"]}};
    return write("kubeconfig", json{{"current-context", "it"},
                                    {"contexts", {{{"name", "it"}, {"context", {{"cluster", "it"}, {"user", "it"}}}}}},
                                    {"clusters", {{{"name", "it"}, {"cluster", server}}}},
                                    {"users", {{{"name", "it"}, {"user", {{"token", token}}}}}}}
                                   .dump());
  }
  void grant_what_the_chart_grants() {
    // Into a directory: helm mixes remarks into what it prints.
    const std::string rendered = ::testing::TempDir() + ns + "-chart";
    run({part->info()["helm"], "template", "turnkeeper", TURNKEEPER_SOURCE_DIR "/helm/turnkeeper", "--namespace", ns,
         "--output-dir", rendered});
    kubectl({"apply", "-f", rendered + "/turnkeeper/templates/operator-rbac.yaml"});
    std::filesystem::remove_all(rendered);
  }
  // "verb resource.group" of each right in the chart's ClusterRole.
  [[nodiscard]] std::set<std::string> granted() {
    std::set<std::string> out;
    const json role = json::parse(kubectl({"get", "clusterrole", "turnkeeper-operator", "-o", "json"}));
    for (const auto& rule : role["rules"]) {
      for (const std::string group : rule["apiGroups"]) {
        for (const std::string resource : rule["resources"]) {
          for (const std::string verb : rule["verbs"]) out.insert(right(verb, resource, group));
        }
      }
    }
    return out;
  }
  // The same of what this test's operator did, as the API server logged it.
  [[nodiscard]] std::set<std::string> used() {
    std::set<std::string> out;
    std::ifstream audit(part->info()["audit_log"].get<std::string>());
    for (std::string line; std::getline(audit, line);) {
      const json entry = json::parse(line, nullptr, false);
      if (!entry.is_object() || !entry.contains("objectRef")) continue;
      if (entry["user"].value("username", "") != "system:serviceaccount:" + ns + ":turnkeeper-operator") continue;
      const json& object = entry["objectRef"];
      std::string resource = object.value("resource", "");
      if (object.contains("subresource")) resource += '/' + object["subresource"].get<std::string>();
      const std::string group = object.value("apiGroup", "");
      out.insert(right(entry["verb"], resource, group));
      const bool made = entry.contains("responseStatus") && entry["responseStatus"].value("code", 0) == 201;
      if (entry["verb"] == "patch" && made) out.insert(right("create", resource, group));
    }
    return out;
  }
  std::string write(const std::string& name, const std::string& text) {
    files_.push_back(::testing::TempDir() + ns + "-" + name);
    std::ofstream(files_.back()) << text;
    return files_.back();
  }
  void TearDown() override {
    for (const auto& path : files_) std::remove(path.c_str());
  }

 private:
  static std::string right(const std::string& verb, const std::string& resource, const std::string& group) {
    return verb + ' ' + resource + (group.empty() ? "" : '.' + group);
  }

  std::vector<std::string> files_;
};

TEST_F(RightsTest, TheChartsRoleIsEnough) {
  grant_what_the_chart_grants();
  OperatorProcess op(kubeconfig_of("turnkeeper-operator"),
                     {"--leader-elect", "--namespace=" + ns, "--snapshot-secret=targets"});
  apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}}, {{"name", "us"}}})));
  ASSERT_TRUE(eventually([&] { return children() == expected_children("calls", {"eu", "us"}); }));
  EXPECT_TRUE(eventually([&] { return !condition("calls", "Ready").is_null(); }));
  EXPECT_TRUE(eventually([&] { return exists(kube::secrets, "targets"); }));
  EXPECT_TRUE(eventually([&] { return !list(kube::events).empty(); }));
  apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}}})));
  EXPECT_TRUE(eventually([&] { return children() == expected_children("calls", {"eu"}); }));
  EXPECT_THAT(op.log(), Not(HasSubstr("forbidden")));
}

TEST_F(RightsTest, NothingIsGrantedThatIsNotUsed) {
  grant_what_the_chart_grants();
  for (const auto& type : {kube::dns_endpoints, kube::certificates}) {
    apply(kube::custom_resource_definitions, definition_of(type));
  }
  apply(kube::secrets, {{"apiVersion", "v1"},
                        {"kind", "Secret"},
                        {"metadata", {{"name", "monitors"}, {"namespace", ns}}},
                        {"stringData", {{"ca.crt", "ca"}, {"tls.crt", "certificate"}, {"tls.key", "key"}}}});
  OperatorProcess op(kubeconfig_of("turnkeeper-operator"),
                     {"--leader-elect", "--namespace=" + ns, "--snapshot-secret=targets", "--deletion-patience=0",
                      "--monitor-operator-address=operator.example.org:9443", "--monitor-tls-secret=monitors"});

  // Everything that a TurnCluster can ask for, and then nothing of it any more.
  json all = cluster("calls", json::array({{{"name", "eu"}, {"vantage", true}}, {{"name", "us"}}}));
  all["spec"]["dns"] = {{"hostname", "turn.example.org"}};
  all["spec"]["tls"] = {{"issuerRef", {{"name", "letsencrypt"}}}};
  apply(turn_clusters, all);
  ASSERT_TRUE(eventually([&] { return exists(kube::deployments, "calls-eu-vantage"); }));
  ASSERT_TRUE(eventually([&] { return exists(kube::certificates, "calls-tls"); }));
  ASSERT_TRUE(eventually([&] { return exists(kube::stateful_sets, "calls-us"); }));
  for (int i = 0; i < 2; ++i) {
    make_relay("calls-eu", i, "192.0.2." + std::to_string(7 + i));
    make_relay("calls-us", i, "192.0.2." + std::to_string(107 + i));
  }
  EXPECT_TRUE(eventually([&] {
    const auto pod = get(kube::pods, "calls-eu-0");
    return pod && pod->dump().find("turnkeeper.io/proven") != std::string::npos;
  })) << "the readiness gate is not opened";
  ASSERT_TRUE(eventually([&] { return exists(kube::dns_endpoints, "calls"); }));

  // A newer template: its relay is marked, and deleted when nobody has said anything for a while.
  const json set = *get(kube::stateful_sets, "calls-eu");
  apply(kube::stateful_sets,
        {{"apiVersion", "apps/v1"},
         {"kind", "StatefulSet"},
         {"metadata", {{"name", "calls-eu"}, {"namespace", ns}}},
         {"status",
          {{"replicas", 2}, {"observedGeneration", set["metadata"]["generation"]}, {"updateRevision", "newest"}}}},
        "status");
  EXPECT_TRUE(eventually([&] {
    const auto gone = [&](const std::string& name) {
      const auto pod = get(kube::pods, name);
      return !pod || (*pod)["metadata"].contains("deletionTimestamp");
    };
    return gone("calls-eu-0") || gone("calls-eu-1");
  })) << "the relay is not renewed";

  apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}}})));
  EXPECT_TRUE(eventually([&] {
    return children() == expected_children("calls", {"eu"}) && !exists(kube::deployments, "calls-eu-vantage") &&
           !exists(kube::certificates, "calls-tls") && !exists(kube::dns_endpoints, "calls");
  }));
  apply(kube::secrets, {{"apiVersion", "v1"},
                        {"kind", "Secret"},
                        {"metadata", {{"name", "far"}, {"namespace", ns}}},
                        {"stringData", {{"kubeconfig", kubectl({"config", "view", "--raw", "--flatten"})}}}});
  apply(turn_clusters, cluster("far", json::array({{{"name", "eu"}, {"kubeconfigSecret", {{"name", "far"}}}}})));
  EXPECT_TRUE(eventually([&] { return (*get(turn_clusters, "far"))["metadata"].contains("finalizers"); }));
  remove(turn_clusters, "far");
  EXPECT_TRUE(eventually([&] { return !exists(turn_clusters, "far"); }));

  std::set<std::string> idle = granted();
  for (const auto& right : used()) idle.erase(right);
  // Asked by an admission plugin of whoever sets an owner reference that blocks deletion, and logged nowhere.
  idle.erase("update turnclusters/finalizers.turnkeeper.io");
  EXPECT_THAT(idle, ::testing::IsEmpty());
  EXPECT_THAT(op.log(), Not(HasSubstr("forbidden")));
  for (const auto& type : {kube::dns_endpoints, kube::certificates}) remove_definition(type);
}

TEST_F(RightsTest, AMissingRightEndsTheStartWithOneLine) {
  kubectl({"create", "serviceaccount", "nobody"});
  const Start start = start_and_end({"--agent-image=x", "--insecure-grpc", "--grpc-listen=127.0.0.1:0",
                                     "--metrics-listen=127.0.0.1:0", "--kubeconfig=" + kubeconfig_of("nobody")});
  EXPECT_EQ(start.status, 1);
  EXPECT_THAT(start.text, HasSubstr("turnkeeper-operator: list turnclusters: turnclusters.turnkeeper.io is forbidden: "
                                    "User \"system:serviceaccount:" +
                                    ns + ":nobody\""));
  EXPECT_THAT(start.text, HasSubstr("grant this account the missing permission"));
}

}  // namespace
}  // namespace turnkeeper::op
