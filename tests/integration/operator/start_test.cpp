// A start that cannot succeed: exit code 1 and one line that says what to do.
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "operator_process.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class StartTest : public OperatorTest {
 protected:
  [[nodiscard]] static std::vector<std::string> with(std::vector<std::string> more) {
    more.insert(more.begin(), {"--agent-image=x", "--grpc-listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0"});
    return more;
  }
  static void expect_fault(const std::vector<std::string>& arguments, const std::string& what,
                           const std::string& advice) {
    const Start start = start_and_end(arguments);
    EXPECT_EQ(start.status, 1) << what;
    // Log lines before it are fine; the fault itself is the last line, and one.
    const auto last = start.text.rfind('\n', start.text.size() - 2);
    const std::string line = last == std::string::npos ? start.text : start.text.substr(last + 1);
    EXPECT_THAT(line, StartsWith("turnkeeper-operator: "));
    EXPECT_THAT(line, HasSubstr(what));
    EXPECT_THAT(line, HasSubstr(advice));
    EXPECT_EQ(start.text.find("turnkeeper-operator: "), start.text.rfind("turnkeeper-operator: "));
  }
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = ::testing::TempDir() + ns + "-" + name;
    std::ofstream(path) << text;
    files_.push_back(path);
    return path;
  }
  void TearDown() override {
    for (const auto& path : files_) ::unlink(path.c_str());
  }

 private:
  std::vector<std::string> files_;
};

TEST_F(StartTest, FlagsThatMakeNoSense) {
  expect_fault({}, "--agent-image is required", "the operator's own image");
  expect_fault(with({"--agent-imag=x"}), "--agent-imag", "--help");
  expect_fault(with({}), "either TLS or plain text", "--insecure-grpc");
  expect_fault(with({"--insecure-grpc", "--log-level=loud"}), "unknown log level 'loud'", "debug, info");
  expect_fault(with({"--tls-cert=/absent.crt", "--tls-key=/absent.key", "--tls-ca=/absent.ca"}),
               "cannot read /absent.crt", "check that it exists");
  expect_fault(with({"--issue-tls=tk", "--monitor-tls-secret=monitors"}), "exclude each other",
               "leave out --monitor-tls-secret");
  expect_fault(with({"--insecure-grpc", "--monitor-authorities=/absent.crt"}), "cannot read /absent.crt",
               "check that it exists");
}

TEST_F(StartTest, AKubeconfigThatIsNone) {
  expect_fault(with({"--insecure-grpc", "--kubeconfig=/absent"}), "cannot read /absent", "check that it exists");
  const std::string broken = write("broken", "clusters: [\n");
  expect_fault(with({"--insecure-grpc", "--kubeconfig=" + broken}), broken + ":2:", "correct the YAML");
}

TEST_F(StartTest, AnApiServerThatIsNotThere) {
  std::string text;
  std::getline(std::ifstream(kubeconfig()), text, '\0');
  const std::string server = part->info()["server"];
  const auto at = text.find(server);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, server.size(), "https://127.0.0.1:1");
  expect_fault(with({"--insecure-grpc", "--kubeconfig=" + write("unreachable", text)}),
               "cannot reach the API server https://127.0.0.1:1", "check that the API server runs");
}

TEST_F(StartTest, AnAddressInUse) {
  OperatorProcess op(kubeconfig());
  const std::vector<std::string> common{"--agent-image=x", "--insecure-grpc", "--kubeconfig=" + kubeconfig()};
  auto same_metrics = common;
  same_metrics.insert(same_metrics.end(), {"--grpc-listen=127.0.0.1:0", "--metrics-listen=" + op.metrics_address()});
  expect_fault(same_metrics, op.metrics_address(), "");
  auto same_grpc = common;
  same_grpc.insert(same_grpc.end(), {"--metrics-listen=127.0.0.1:0", "--grpc-listen=" + op.grpc_address()});
  expect_fault(same_grpc, "cannot listen on " + op.grpc_address(), "--grpc-listen");
}

TEST_F(StartTest, AKindThatIsNotInstalled) {
  ASSERT_TRUE(client->remove(kube::custom_resource_definitions, {"", "turnclusters.turnkeeper.io"}, {}, in(10s)));
  ASSERT_TRUE(eventually([&] { return !client->list(turn_clusters, ns, {}, in(5s)); }));
  expect_fault(with({"--insecure-grpc", "--kubeconfig=" + kubeconfig()}),
               "the API server does not know turnclusters.turnkeeper.io", "kubectl apply -f crds/turnclusters.yaml");
  ASSERT_NO_FATAL_FAILURE(install_crd());
}

TEST_F(StartTest, HelpAndVersionAreNoFaults) {
  const Start help = start_and_end({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* flag : {"--agent-image", "--grpc-listen", "--tls-ca", "--insecure-grpc", "--snapshot-secret",
                           "--metrics-listen", "--kubeconfig", "--leader-elect", "--log-level", "--log-format"}) {
    EXPECT_THAT(help.text, HasSubstr(flag));
  }
  EXPECT_EQ(start_and_end({"--version"}).status, 0);
}

}  // namespace
}  // namespace turnkeeper::op
