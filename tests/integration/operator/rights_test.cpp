// The operator with exactly the rights that the Helm chart gives it.
#include <algorithm>
#include <filesystem>

#include "operator_process.hpp"
#include "rights.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

class RightsTest : public OperatorTest {
 protected:
  void SetUp() override {
    OperatorTest::SetUp();
    rights.emplace(*part, ns);
  }
  std::string kubeconfig_of(const std::string& account) {
    file.emplace("kubeconfig", rights->kubeconfig_of(account));
    return file->path();
  }
  void grant_what_the_chart_grants() {
    // Into a directory: helm mixes remarks into what it prints.
    const std::string rendered = ::testing::TempDir() + ns + "-chart";
    auto done = run_command({part->info()["helm"], "template", "turnkeeper", TURNKEEPER_SOURCE_DIR "/helm/turnkeeper",
                             "--namespace", ns, "--output-dir", rendered},
                            in(60s));
    ASSERT_TRUE(done) << done.error().text();
    ASSERT_EQ(done->status, 0) << done->text;
    rights->kubectl({"apply", "-f", rendered + "/turnkeeper/templates/operator-rbac.yaml"});
    std::filesystem::remove_all(rendered);
  }

  std::optional<Rights> rights;
  std::optional<TextFile> file;
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

  // The same Event again counts up the one that is there.
  ASSERT_TRUE(eventually([&] { return !condition("calls", "Ready").is_null(); }));
  EXPECT_TRUE(eventually([&] {
    make_a_pass(op, all);
    remove(kube::services, "calls-eu");
    return eventually([&] { return exists(kube::services, "calls-eu"); }) &&
           std::ranges::any_of(list(kube::events), [](const json& event) {
             return event["reason"] == "DriftRepaired" && event["count"] >= 2;
           });
  }));

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
                        {"stringData", {{"kubeconfig", rights->kubectl({"config", "view", "--raw", "--flatten"})}}}});
  apply(turn_clusters, cluster("far", json::array({{{"name", "eu"}, {"kubeconfigSecret", {{"name", "far"}}}}})));
  EXPECT_TRUE(eventually([&] { return (*get(turn_clusters, "far"))["metadata"].contains("finalizers"); }));
  remove(turn_clusters, "far");
  EXPECT_TRUE(eventually([&] { return !exists(turn_clusters, "far"); }));

  auto idle = Rights::granted(rights->kubectl({"get", "clusterrole", "turnkeeper-operator", "-o", "json"}));
  for (const auto& right : rights->used("turnkeeper-operator")) idle.erase(right);
  // Asked by an admission plugin of whoever sets an owner reference that blocks deletion, and logged nowhere.
  idle.erase("update turnclusters/finalizers.turnkeeper.io");
  EXPECT_THAT(idle, ::testing::IsEmpty());
  EXPECT_THAT(op.log(), Not(HasSubstr("forbidden")));
  for (const auto& type : {kube::dns_endpoints, kube::certificates}) remove_definition(type);
}

TEST_F(RightsTest, AMissingRightEndsTheStartWithOneLine) {
  rights->kubectl({"create", "serviceaccount", "nobody"});
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
