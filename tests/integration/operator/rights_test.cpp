// The operator with exactly the rights that the Helm chart gives it.
#include <cstdio>
#include <filesystem>
#include <fstream>

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
  std::string write(const std::string& name, const std::string& text) {
    files_.push_back(::testing::TempDir() + ns + "-" + name);
    std::ofstream(files_.back()) << text;
    return files_.back();
  }
  void TearDown() override {
    for (const auto& path : files_) std::remove(path.c_str());
  }

 private:
  std::vector<std::string> files_;
};

TEST_F(RightsTest, TheChartsRoleIsEnough) {
  // Into a directory: helm mixes remarks into what it prints.
  const std::string rendered = ::testing::TempDir() + ns + "-chart";
  run({part->info()["helm"], "template", "turnkeeper", TURNKEEPER_SOURCE_DIR "/helm/turnkeeper", "--namespace", ns,
       "--output-dir", rendered});
  kubectl({"apply", "-f", rendered + "/turnkeeper/templates/operator-rbac.yaml"});
  std::filesystem::remove_all(rendered);
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
