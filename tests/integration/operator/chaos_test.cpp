// What an operator has to outlive: being killed at any moment, another that leads as well, an API server in trouble.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <regex>
#include <set>
#include <stdexcept>
#include <thread>

#include "audit.hpp"
#include "operator_process.hpp"
#include "trouble.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/http/client.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

class ChaosTest : public OperatorTest {
 protected:
  [[nodiscard]] static json regions(bool us, int replicas) {
    auto list = json::array({{{"name", "eu"}, {"relay", {{"replicas", replicas}}}}});
    if (us) list.push_back({{"name", "us"}, {"relay", {{"replicas", 1}}}});
    return list;
  }
  bool settles(const std::vector<std::string>& names) {
    const auto expected = expected_children("calls", names);
    return eventually([&] { return children() == expected; }) && eventually([&] {
             const auto object = get(turn_clusters, "calls");
             return object && object->contains("status") &&
                    (*object)["status"].value("observedGeneration", 0) == (*object)["metadata"]["generation"];
           });
  }
  // Ids of the signing keys, in their order.
  [[nodiscard]] std::vector<std::string> key_ids() {
    std::vector<std::string> ids;
    const auto secret = get(kube::secrets, "calls-signing-keys");
    if (!secret) return ids;
    const auto document = base64_decode((*secret)["data"]["keys.json"].get<std::string>());
    for (const auto& key : json::parse(*document)) ids.push_back(key["id"]);
    return ids;
  }
  [[nodiscard]] std::string identity_of(const kube::ResourceType& type, const std::string& name) {
    const auto object = get(type, name);
    return object ? kube::uid_of(*object) : std::string();
  }
  void collect_garbage() {
    for (const auto& type : {kube::config_maps, kube::secrets, kube::services, kube::service_accounts,
                             kube::stateful_sets, kube::pod_disruption_budgets, kube::network_policies}) {
      for (const auto& object : list(type)) {
        if (object["metadata"].contains("ownerReferences")) remove(type, kube::key_of(object).name);
      }
    }
  }
};

TEST_F(ChaosTest, KilledAtRandomMomentsItAlwaysGetsThere) {
  const char* asked = std::getenv("TURNKEEPER_KILLS");  // more than a quick run takes
  const int kills = asked != nullptr ? std::atoi(asked) : 12;
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto one_of = [&](int count) { return std::uniform_int_distribution<>(0, count - 1)(random); };
  int rotations = 0;
  for (int done = 0; done < kills;) {
    // A life of a cluster: made, changed several times and deleted, with an operator that is killed in each of them.
    std::string set_uid;
    for (int change = 0; change < 6 && done < kills; ++change, ++done) {
      const bool us = one_of(2) == 1;
      json object = cluster("calls", regions(us, 1 + one_of(4)));
      if (change > 0 && one_of(2) == 1) {
        object["metadata"]["annotations"]["turnkeeper.io/rotate"] = std::to_string(++rotations);
      }
      if (one_of(2) == 1) object["spec"]["relay"] = {{"nodeSelector", {{"turn", std::to_string(done)}}}};
      {
        OperatorProcess op(kubeconfig());
        apply(turn_clusters, object);
        std::this_thread::sleep_for(std::chrono::milliseconds(one_of(1200)));
        op.process().signal(SIGKILL);
        ASSERT_EQ(op.process().wait(in(10s)), 128 + SIGKILL);
      }
      if (change % 3 != 2) continue;
      OperatorProcess again(kubeconfig());
      ASSERT_TRUE(settles(us ? std::vector<std::string>{"eu", "us"} : std::vector<std::string>{"eu"}))
          << ::testing::PrintToString(children());
      const auto ids = key_ids();
      EXPECT_FALSE(ids.empty());
      EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size()) << "a key twice";
      EXPECT_LE(ids.size(), 3U) << "a rotation was begun again and again";
      const auto uid = identity_of(kube::stateful_sets, "calls-eu");
      if (set_uid.empty()) set_uid = uid;
      EXPECT_EQ(uid, set_uid) << "its relays were all thrown away";
      EXPECT_EQ(again.metric(R"(controller_runtime_terminal_reconcile_errors_total{controller="turncluster"})"), 0);
    }
    remove(turn_clusters, "calls");
    collect_garbage();
  }
}

TEST_F(ChaosTest, TwoLeadersDoNoHarm) {
  // No election: both write all the time, as after a stolen lease.
  OperatorProcess first(kubeconfig());
  OperatorProcess second(kubeconfig());
  apply(turn_clusters, cluster("calls", regions(true, 2)));
  ASSERT_TRUE(settles({"eu", "us"}));
  const auto keys = key_ids();
  ASSERT_EQ(keys.size(), 1U);
  const auto set = identity_of(kube::stateful_sets, "calls-eu");
  // One sleeps through a change and wakes up with an old view.
  first.process().signal(SIGSTOP);
  apply(turn_clusters, cluster("calls", regions(false, 3)));
  EXPECT_TRUE(settles({"eu"}));
  first.process().signal(SIGCONT);
  const double passes = first.passes();
  apply(turn_clusters, cluster("calls", regions(false, 4)));
  ASSERT_TRUE(eventually([&] { return first.passes() > passes; }));
  EXPECT_TRUE(settles({"eu"})) << ::testing::PrintToString(children());
  EXPECT_EQ((*get(kube::stateful_sets, "calls-eu"))["spec"]["replicas"], 4);
  EXPECT_EQ(key_ids(), keys);
  EXPECT_EQ(identity_of(kube::stateful_sets, "calls-eu"), set);
  // They agree: nobody undoes what the other does, again and again.
  const auto version = [&] { return kube::resource_version_of(*get(kube::stateful_sets, "calls-eu")); };
  const auto before = version();
  remove(kube::services, "calls-eu");
  EXPECT_TRUE(eventually([&] { return exists(kube::services, "calls-eu"); }));
  EXPECT_EQ(version(), before);
  const auto met = contest(*part, ns);
  EXPECT_THAT(met.harm, ::testing::IsEmpty());
  RecordProperty("conflicts", met.conflicts);
}

TEST_F(ChaosTest, AnApiServerInTroubleChangesNoRelay) {
  const Trouble trouble(part->info(), ns);
  OperatorProcess op(trouble.kubeconfig());
  apply(turn_clusters, cluster("calls", regions(false, 2)));
  ASSERT_TRUE(settles({"eu"}));
  const auto relays = [&] { return kube::resource_version_of(*get(kube::stateful_sets, "calls-eu")); };
  const auto before = relays();
  const char* asked = std::getenv("TURNKEEPER_TROUBLE_SECONDS");  // longer than a quick run takes
  const auto lasting = asked != nullptr ? std::chrono::milliseconds(std::chrono::seconds(std::atoi(asked))) : 1500ms;
  for (const char* fault : {"errors", "throttle", "slow", "gone", "cut"}) {
    trouble.inject(fault);
    remove(kube::services, "calls-eu");
    std::this_thread::sleep_for(lasting);
    trouble.inject("none");
    EXPECT_TRUE(eventually([&] { return exists(kube::services, "calls-eu"); }, 40s)) << fault;
    EXPECT_EQ(relays(), before) << fault;
    EXPECT_FALSE(op.process().poll()) << fault;
  }
}

TEST_F(ChaosTest, AHistoryThatIsCompactedAwayIsReadAnew) {
  OperatorProcess op(kubeconfig());
  apply(turn_clusters, cluster("calls", regions(false, 2)));
  ASSERT_TRUE(settles({"eu"}));
  const auto relays = [&] { return kube::resource_version_of(*get(kube::stateful_sets, "calls-eu")); };
  const auto before = relays();

  op.process().signal(SIGSTOP);
  apply(turn_clusters, cluster("calls", regions(true, 2)));
  remove(kube::services, "calls-eu");
  const auto etcd = [&](const std::string& what, const json& body) {
    auto answer = http::fetch(part->info()["etcd"].get<std::string>(),
                              {.method = "POST", .target = "/v3/kv/" + what, .body = body.dump()}, in(10s));
    EXPECT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(answer->status, 200) << answer->body;
    return json::parse(answer->body, nullptr, false);
  };
  const json now = etcd("range", {{"key", "AA=="}});
  etcd("compaction", {{"revision", now["header"]["revision"]}, {"physical", true}});
  // Its cache would still know what etcd does not.
  for (const char* action : {"kill", "start"}) {
    ASSERT_TRUE(part->command({{"cmd", "program"}, {"name", "kube-apiserver"}, {"action", action}}, in(60s)));
  }
  ASSERT_TRUE(part->command({{"cmd", "wait"}}, in(60s)));
  auto gone = run_command({part->info()["kubectl"], "--kubeconfig", kubeconfig(), "get", "--raw",
                           "/apis/apps/v1/namespaces/" + ns + "/statefulsets?watch=true&resourceVersion=" + before},
                          in(20s));
  ASSERT_TRUE(gone);
  ASSERT_NE(gone->text.find("410"), std::string::npos) << "the history is still there: " << gone->text;

  const auto asleep = audited(*part).size();
  op.process().signal(SIGCONT);
  ASSERT_TRUE(settles({"eu", "us"})) << op.log();
  EXPECT_EQ(relays(), before);
  const auto requests = audited(*part);
  EXPECT_TRUE(std::any_of(requests.begin() + static_cast<std::ptrdiff_t>(asleep), requests.end(), [](const auto& one) {
    return one.verb == "list" && one.resource == "statefulsets.apps" && one.agent.starts_with("turnkeeper");
  })) << "nothing was read anew, so nothing was shown";
  EXPECT_FALSE(op.process().poll());
}

TEST_F(ChaosTest, WhatIsAskedForWhileTheFirstStatusIsWrittenIsNotLost) {
  const Trouble trouble(part->info(), ns);
  trouble.inject("turncluster");
  OperatorProcess op(trouble.kubeconfig());
  apply(turn_clusters, cluster("calls", regions(false, 2)));
  ASSERT_TRUE(eventually([&] { return trouble.held() > 0; }));
  apply(turn_clusters, cluster("calls", regions(false, 4)));
  EXPECT_TRUE(eventually([&] { return (*get(kube::stateful_sets, "calls-eu"))["spec"]["replicas"] == 4; }, 10s));
}

}  // namespace
}  // namespace turnkeeper::op
