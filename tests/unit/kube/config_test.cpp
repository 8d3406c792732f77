#include "turnkeeper/kube/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::kube {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory = ::testing::TempDir() + "turnkeeper-config-" + std::to_string(::getpid());
    std::filesystem::create_directories(directory);
  }
  void TearDown() override { std::filesystem::remove_all(directory); }
  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = directory + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }
  [[nodiscard]] turnkeeper::Result<Config> load(const std::string& text) const {
    return load_config({.kubeconfig_flag = write("config", text)}, Environment{});
  }
  static std::string kubeconfig(const std::string& cluster, const std::string& user) {
    return "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
           "contexts:\n- name: c\n  context: {cluster: k, user: u, namespace: calls}\n"
           "clusters:\n- name: k\n  cluster:\n" +
           cluster + "users:\n- name: u\n  user:\n" + user;
  }
  std::string directory;
};

constexpr const char* plain_cluster = "    server: https://10.0.0.1:6443/\n";

TEST_F(ConfigTest, ReadsWhatKubectlReads) {
  write("ca.crt", "CA PEM");
  auto config = load(kubeconfig(std::string(plain_cluster) + "    certificate-authority: ca.crt\n",
                                "    client-certificate-data: " + base64_encode("CERT") +
                                    "\n    client-key-data: " + base64_encode("KEY") + "\n    token: t\n"));
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->server, "https://10.0.0.1:6443");
  EXPECT_EQ(config->ca_pem, "CA PEM");
  EXPECT_EQ(config->client_cert_pem, "CERT");
  EXPECT_EQ(config->client_key_pem.reveal(), "KEY");
  EXPECT_EQ(config->token.reveal(), "t");
  EXPECT_EQ(config->namespace_name, "calls");
}

TEST_F(ConfigTest, PointsAtTheFaultyPlace) {
  auto broken = load("apiVersion: v1\nclusters: [\n");
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, HasSubstr("/config:3:"));

  auto no_base64 = load(kubeconfig(plain_cluster, "    client-certificate-data: '***'\n"));
  ASSERT_FALSE(no_base64);
  EXPECT_THAT(no_base64.error().message, HasSubstr("/config:14:30: client-certificate-data is not base64"));

  auto no_url = load(kubeconfig("    server: 10.0.0.1\n", "    token: t\n"));
  ASSERT_FALSE(no_url);
  EXPECT_THAT(no_url.error().message, HasSubstr("/config:10:13: server '10.0.0.1'"));
}

TEST_F(ConfigTest, SaysWhichContextsUsersAndClustersThereAre) {
  std::string text = kubeconfig(plain_cluster, "    token: t\n");
  text.replace(text.find("user: u,"), 8, "user: me,");
  auto config = load(text);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("there is no user 'me'"));
  EXPECT_EQ(config.error().advice, "there are: u");
}

TEST_F(ConfigTest, RefusesWhatItWouldOtherwiseIgnore) {
  auto config = load(kubeconfig(plain_cluster, "    exec: {command: aws}\n"));
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, EndsWith("exec is not supported"));
  EXPECT_THAT(config.error().advice, HasSubstr("client certificate, token"));
}

TEST_F(ConfigTest, ACertificateNeedsItsKey) {
  auto config = load(kubeconfig(plain_cluster, "    client-certificate-data: " + base64_encode("CERT") + "\n"));
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("go together"));
}

TEST_F(ConfigTest, TheFirstFileOfSeveralWins) {
  const std::string first =
      write("one", "current-context: c\ncontexts:\n- {name: c, context: {cluster: k, user: u}}\n");
  const std::string second = write("two",
                                   "current-context: other\nclusters:\n- {name: k, cluster: {server: "
                                   "'http://127.0.0.1:1'}}\nusers:\n- {name: u, user: {token: t}}\n");
  auto config = load_config({}, {.kubeconfig = first + ":" + directory + "/absent:" + second});
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->server, "http://127.0.0.1:1");
}

TEST_F(ConfigTest, TheFlagBeatsTheVariableBeatsThePodBeatsTheHome) {
  const auto with_server = [&](const std::string& name, const std::string& server) {
    return write(name, kubeconfig("    server: " + server + "\n", "    token: t\n"));
  };
  write("sa/ca.crt", "CA");
  write("sa/token", "pod token\n");
  write("sa/namespace", "turn\n");
  with_server(".kube/config", "https://home");
  Environment environment{.kubeconfig = with_server("env", "https://env"),
                          .home = directory,
                          .service_host = "10.96.0.1",
                          .service_port = "443",
                          .service_account_directory = directory + "/sa"};
  EXPECT_EQ(load_config({.kubeconfig_flag = with_server("flag", "https://flag")}, environment)->server, "https://flag");
  EXPECT_EQ(load_config({}, environment)->server, "https://env");
  environment.kubeconfig.clear();
  auto pod = load_config({}, environment);
  EXPECT_EQ(pod->server, "https://10.96.0.1:443");
  EXPECT_EQ(pod->namespace_name, "turn");
  EXPECT_EQ(pod->token_file, directory + "/sa/token");
  environment.service_host = "fd00::1";
  EXPECT_EQ(load_config({}, environment)->server, "https://[fd00::1]:443");
  environment.service_host.clear();
  EXPECT_EQ(load_config({}, environment)->server, "https://home");
  environment.home.clear();
  auto none = load_config({}, environment);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().text(), StartsWith("no Kubernetes configuration found; give --kubeconfig"));
}

TEST_F(ConfigTest, APodWithoutATokenIsToldSo) {
  auto config = load_config({}, {.service_host = "10.96.0.1", .service_account_directory = directory + "/none"});
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().advice, HasSubstr("automountServiceAccountToken"));
}

}  // namespace
}  // namespace turnkeeper::kube
