// lib/kube against a real kube-apiserver.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>

#include "tests/support/testbed.hpp"
#include "turnkeeper/kube/http_transport.hpp"
#include "turnkeeper/kube/leader_election.hpp"
#include "turnkeeper/kube/reflector.hpp"

namespace turnkeeper::kube {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

Deadline in(std::chrono::seconds budget) {
  return Deadline::after(real_clock(), budget);
}

json config_map(const std::string& name, const json& data) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", name}, {"namespace", "default"}, {"labels", {{"test", "kube"}}}}},
          {"data", data}};
}

// One control plane for all tests: each uses names of its own.
class ApiServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = testbed::Part::start({"control-plane"}, in(600s));
    ASSERT_TRUE(started) << started.error().text();
    part = std::make_unique<testbed::Part>(std::move(*started));
  }
  static void TearDownTestSuite() { part.reset(); }

  void SetUp() override {
    ASSERT_TRUE(part);
    auto config = load_config({.kubeconfig_flag = part->info()["kubeconfig"]}, Environment{});
    ASSERT_TRUE(config) << config.error().text();
    auto connected = connect(*config, real_clock());
    ASSERT_TRUE(connected) << connected.error().text();
    transport = *connected;
    client = std::make_unique<Client>(transport);
  }

  static void api_server(const std::string& action) {
    auto done = part->command({{"cmd", "program"}, {"name", "kube-apiserver"}, {"action", action}}, in(60s));
    ASSERT_TRUE(done) << done.error().text();
  }

  static std::unique_ptr<testbed::Part> part;
  std::shared_ptr<Transport> transport;
  std::unique_ptr<Client> client;
};

std::unique_ptr<testbed::Part> ApiServerTest::part;

// A reflector on its thread, and a way to wait for what it sees.
class Watching {
 public:
  Watching(Client& client, ResourceType type, std::string selector)
      : reflector_(client,
                   {.type = std::move(type),
                    .namespace_name = "default",
                    .label_selector = std::move(selector),
                    .on_change =
                        [this](auto&) {
                          std::lock_guard lock(mutex_);
                          changed_.notify_all();
                        }},
                   real_clock()),
        thread_([this](std::stop_token stop) { reflector_.run(stop); }) {}

  // The object once `good` holds for it; null when the time is over.
  ObjectPtr wait_for(const std::string& name, const std::function<bool(const ObjectPtr&)>& good,
                     std::chrono::seconds budget = 40s) {
    std::unique_lock lock(mutex_);
    ObjectPtr seen;
    const bool found = changed_.wait_for(lock, budget, [&] {
      seen = reflector_.store().get({"default", name});
      return good(seen);
    });
    return found ? seen : nullptr;
  }
  bool wait_until_gone(const std::string& name) {
    bool gone = false;
    wait_for(name, [&](const ObjectPtr& object) { return gone = reflector_.store().synced() && object == nullptr; });
    return gone;
  }
  [[nodiscard]] const Reflector& reflector() const { return reflector_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Reflector reflector_;
  std::jthread thread_;
};

bool exists(const ObjectPtr& object) {
  return object != nullptr;
}

TEST_F(ApiServerTest, ApplyingTwiceWritesOnce) {
  const json object = config_map("apply-twice", {{"a", "1"}});
  auto first = client->apply(config_maps, object, {.field_manager = "test"}, in(10s));
  ASSERT_TRUE(first) << first.error().text();
  auto second = client->apply(config_maps, object, {.field_manager = "test"}, in(10s));
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_EQ(resource_version_of(*first), resource_version_of(*second));
}

TEST_F(ApiServerTest, ApplyRemovesWhatIsNoLongerGivenAndKeepsWhatOthersOwn) {
  ASSERT_TRUE(client->apply(config_maps, config_map("owners", {{"ours", "1"}, {"old", "1"}}), {.field_manager = "us"},
                            in(10s)));
  ASSERT_TRUE(client->apply(config_maps, config_map("owners", {{"theirs", "1"}}), {.field_manager = "them"}, in(10s)));
  auto now = client->apply(config_maps, config_map("owners", {{"ours", "2"}}), {.field_manager = "us"}, in(10s));
  ASSERT_TRUE(now) << now.error().text();
  EXPECT_EQ((*now)["data"], (json{{"ours", "2"}, {"theirs", "1"}}));
}

TEST_F(ApiServerTest, ConflictsAreTold) {
  ASSERT_TRUE(client->apply(config_maps, config_map("conflict", {{"a", "1"}}), {.field_manager = "us"}, in(10s)));
  auto unforced = client->apply(config_maps, config_map("conflict", {{"a", "2"}}),
                                {.field_manager = "them", .force = false}, in(10s));
  ASSERT_FALSE(unforced);
  EXPECT_EQ(unforced.error().kind, ErrorKind::conflict);

  auto created = client->create(config_maps, config_map("conflict", {}), in(10s));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().kind, ErrorKind::already_exists);

  json stale = *client->get(config_maps, {"default", "conflict"}, in(10s));
  stale["data"]["a"] = "3";
  ASSERT_TRUE(client->replace(config_maps, stale, in(10s)));
  auto replaced = client->replace(config_maps, stale, in(10s));
  ASSERT_FALSE(replaced);
  EXPECT_EQ(replaced.error().kind, ErrorKind::conflict);

  auto removed = client->remove(config_maps, {"default", "conflict"}, {.uid = "other"}, in(10s));
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().kind, ErrorKind::conflict);
  EXPECT_TRUE(client->remove(config_maps, {"default", "conflict"}, {.uid = uid_of(stale)}, in(10s)));
  auto gone = client->get(config_maps, {"default", "conflict"}, in(10s));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, ErrorKind::not_found);
}

TEST_F(ApiServerTest, ListsMoreThanOnePage) {
  for (int i = 0; i < 3; ++i) {
    json object = config_map("page-" + std::to_string(i), {});
    object["metadata"]["labels"] = {{"test", "pages"}};
    ASSERT_TRUE(client->apply(config_maps, object, {.field_manager = "test"}, in(10s)));
  }
  auto listed = client->list(config_maps, "default", {.label_selector = "test=pages"}, in(10s));
  ASSERT_TRUE(listed) << listed.error().text();
  EXPECT_EQ(listed->items.size(), 3U);
  EXPECT_EQ(listed->items[0]["kind"], "ConfigMap");
}

TEST_F(ApiServerTest, WatchesChangesOfTheSelectedObjects) {
  Watching watching(*client, config_maps, "test=kube");
  ASSERT_TRUE(client->apply(config_maps, config_map("watched", {{"a", "1"}}), {.field_manager = "test"}, in(10s)));
  const ObjectPtr seen = watching.wait_for("watched", exists);
  ASSERT_TRUE(seen);
  EXPECT_FALSE((*seen)["metadata"].contains("managedFields"));
  ASSERT_TRUE(client->apply(config_maps, config_map("watched", {{"a", "2"}}), {.field_manager = "test"}, in(10s)));
  EXPECT_TRUE(watching.wait_for("watched", [](const ObjectPtr& now) { return now && (*now)["data"]["a"] == "2"; }));
  ASSERT_TRUE(client->remove(config_maps, {"default", "watched"}, {}, in(10s)));
  EXPECT_TRUE(watching.wait_until_gone("watched"));
}

TEST_F(ApiServerTest, AWatchSurvivesTheDeathOfTheApiServer) {
  Watching watching(*client, config_maps, "test=kube");
  ASSERT_TRUE(client->apply(config_maps, config_map("before", {}), {.field_manager = "test"}, in(10s)));
  ASSERT_TRUE(watching.wait_for("before", exists));
  api_server("kill");
  auto meanwhile = client->get(config_maps, {"default", "before"}, in(5s));
  ASSERT_FALSE(meanwhile);
  EXPECT_EQ(meanwhile.error().kind, ErrorKind::unreachable);
  EXPECT_THAT(meanwhile.error().text(), HasSubstr("cannot reach the API server https://"));
  api_server("start");
  ASSERT_TRUE(part->command({{"cmd", "wait"}}, in(60s)));
  EXPECT_TRUE(watching.reflector().store().get({"default", "before"})) << "what was known stays known";
  ASSERT_TRUE(client->apply(config_maps, config_map("after", {}), {.field_manager = "test"}, in(20s)));
  EXPECT_TRUE(watching.wait_for("after", exists, 60s));
}

TEST_F(ApiServerTest, AKindThatIsNotInstalledIsSaidPlainly) {
  const ResourceType unknown{"turnkeeper.io", "v1alpha1", "TurnCluster", "turnclusters"};
  Reflector reflector(*client, {.type = unknown, .if_unknown_kind = "kubectl apply -f crds/turnclusters.yaml"},
                      real_clock());
  EXPECT_GE(reflector.step({}), 0ms);
  ASSERT_TRUE(reflector.trouble());
  EXPECT_EQ(reflector.trouble()->text(),
            "the API server does not know turnclusters.turnkeeper.io; kubectl apply -f crds/turnclusters.yaml");
}

TEST_F(ApiServerTest, AnAccountWithoutRightsIsToldSo) {
  ASSERT_TRUE(client->apply(
      ResourceType{"", "v1", "ServiceAccount", "serviceaccounts"},
      {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", "nobody"}, {"namespace", "default"}}}},
      {.field_manager = "test"}, in(10s)));
  auto token = client->create(ResourceType{"", "v1", "TokenRequest", "serviceaccounts/nobody/token"},
                              {{"apiVersion", "authentication.k8s.io/v1"},
                               {"kind", "TokenRequest"},
                               {"metadata", {{"namespace", "default"}}},
                               {"spec", {{"expirationSeconds", 600}}}},
                              in(10s));
  ASSERT_TRUE(token) << token.error().text();
  Config config = *load_config({.kubeconfig_flag = part->info()["kubeconfig"]}, Environment{});
  config.client_cert_pem.clear();
  config.client_key_pem = Secret();
  config.token = Secret((*token)["status"]["token"].get<std::string>());
  Client nobody(*connect(config, real_clock()));
  auto listed = nobody.list(secrets, "default", {}, in(10s));
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().kind, ErrorKind::forbidden);
  EXPECT_THAT(listed.error().text(), HasSubstr("system:serviceaccount:default:nobody"));

  config.token = Secret("wrong");
  Client wrong(*connect(config, real_clock()));
  auto refused = wrong.list(secrets, "default", {}, in(10s));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unauthorized);
}

TEST_F(ApiServerTest, AServerOfAnotherAuthorityIsNotTalkedTo) {
  Config config = *load_config({.kubeconfig_flag = part->info()["kubeconfig"]}, Environment{});
  config.ca_pem = config.client_cert_pem;
  config.ca_file.clear();
  Client mistaken(*connect(config, real_clock()));
  auto refused = mistaken.get(namespaces, {"", "default"}, in(10s));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unreachable);
  EXPECT_THAT(refused.error().advice, HasSubstr("certificate authority"));
}

TEST_F(ApiServerTest, OneOfTwoLeads) {
  LeaderElection a(*client, {.lease = {"default", "election"}, .identity = "a"}, real_clock());
  LeaderElection b(*client, {.lease = {"default", "election"}, .identity = "b"}, real_clock());
  EXPECT_EQ(a.step(), LeaderElection::State::leading);
  EXPECT_EQ(b.step(), LeaderElection::State::waiting);
  EXPECT_EQ(a.step(), LeaderElection::State::leading);
  a.release();
  EXPECT_EQ(b.step(), LeaderElection::State::leading);
}

}  // namespace
}  // namespace turnkeeper::kube
