// Signing keys are replaced under live calls: a real API server and operator, two real relays (agents with the oldest
// and the newest coturn) and a real monitor. The test is the kubelet, and it is the clock: a key that retires stays for
// the longest life of a credential, at least ten minutes by the schema, so the test writes an earlier `since` into the
// Secret, which is what the operator would read after it had been away for that long. Credentials made with that key
// count as expired from then on; all others must be accepted by both relays at any time.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "blocking_client.hpp"
#include "callers.hpp"
#include "newcomers.hpp"
#include "node.hpp"
#include "operator_process.hpp"
#include "private_network.hpp"
#include "turnkeeper/api/signing_keys.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/http/client.hpp"

namespace turnkeeper::test {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using op::eventually;
using op::in;
using ::testing::IsEmpty;

// Before any thread, and before the API server: all of it is in one network.
[[maybe_unused]] const bool in_private_network = [] {
  enter_private_network({"10.77.0.1/32", "10.77.0.2/32"});
  // The API server asks the routing table for its own address.
  return run_command({"ip", "route", "add", "default", "dev", "lo"}, in(10s)).has_value();
}();

constexpr int calls = 500;
constexpr std::chrono::seconds credential_ttl = 10min;
const std::string monitor_address = "127.0.0.1:18480";
const std::vector<std::string> relays{"10.77.0.1:3478", "10.77.0.2:3478"};

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class RotationTest : public op::OperatorTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(OperatorTest::SetUp());
    start_operator();
    ASSERT_NO_FATAL_FAILURE(ask({}));
    ASSERT_TRUE(eventually([&] { return exists(kube::stateful_sets, "calls-eu") && !keys_json().empty(); }));
    const std::string relay_json = (*get(kube::config_maps, "calls-eu"))["data"]["relay.json"];
    // The newest coturn's node is the slower one.
    containers.push_back(std::make_unique<RelayContainer>(
        RelayOptions{"calls-eu-0", "10.77.0.1", testbed::turnserver("4.6.1"), 0ms}, relay_json, keys_json()));
    containers.push_back(std::make_unique<RelayContainer>(
        RelayOptions{"calls-eu-1", "10.77.0.2", testbed::turnserver("4.18.0"), 400ms}, relay_json, keys_json()));
    volumes.emplace([this] { return keys_json(); },
                    std::vector<RelayContainer*>{containers[0].get(), containers[1].get()});
    for (const auto& container : containers) {
      ASSERT_TRUE(eventually([&] { return container->ready(); })) << container->log();
      make_pod(container->options());
    }
    start_monitor();
    ASSERT_TRUE(eventually([&] { return condition("calls", "Ready")["reason"] == "AllRegionsServe"; }))
        << condition("calls", "Ready");
  }
  void TearDown() override {
    volumes.reset();
    remove(op::turn_clusters, "calls");  // the next test's operator would find it
    if (HasFailure()) std::cerr << "--- monitor:\n" << contents(monitor_log) << "---\n";
    monitor.reset();
    std::filesystem::remove(monitor_log);
  }

  void start_operator() {
    // Always the same port, so that the monitor finds it again.
    op_process = std::make_unique<op::OperatorProcess>(
        kubeconfig(), std::vector<std::string>{"--namespace=" + ns, "--grpc-listen=127.0.0.1:18443"});
  }
  void kill_operator() {
    operator_logs += op_process->log();
    op_process.reset();
    start_operator();
  }
  void start_monitor() {
    monitor_log = ::testing::TempDir() + "monitor-" + ns + ".log";
    auto started = ChildProcess::start(
        {.argv = {TURNKEEPER_BINARY_DIR "/bin/turnkeeper-monitor", "--operator=127.0.0.1:18443", "--insecure-grpc",
                  "--vantage=home", "--listen=" + monitor_address, "--allow-anonymous"},
         .log_path = monitor_log});
    ASSERT_TRUE(started) << started.error().text();
    monitor.emplace(std::move(*started));
  }

  void ask(const json& annotations) {
    json object = cluster("calls", json::array({{{"name", "eu"}}}));
    object["spec"]["relay"] = {{"replicas", 2},
                               {"exposure", "ClusterIP"},
                               {"ports", {{"relayMin", 10000}, {"relayMax", 19999}}},
                               {"limits", {{"sessions", 5000}, {"sessionsPerUser", 100}}}};
    object["spec"]["credentials"] = {{"ttl", "10m"}, {"rotation", {{"every", "0s"}}}};
    object["metadata"]["annotations"] = annotations;
    apply(op::turn_clusters, object);
  }

  // As the StatefulSet controller and a kubelet would leave it.
  void make_pod(const RelayOptions& relay) {
    static const kube::ResourceType service_accounts{"", "v1", "ServiceAccount", "serviceaccounts"};
    apply(service_accounts,
          {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", "default"}, {"namespace", ns}}}});
    json pod = {{"apiVersion", "v1"},
                {"kind", "Pod"},
                {"metadata",
                 {{"name", relay.name},
                  {"namespace", ns},
                  {"labels", (*get(kube::stateful_sets, "calls-eu"))["spec"]["template"]["metadata"]["labels"]}}},
                {"spec",
                 {{"nodeName", "node1"},
                  {"automountServiceAccountToken", false},
                  {"containers", {{{"name", "relay"}, {"image", "coturn"}}}}}}};
    apply(kube::pods, pod);
    pod.erase("spec");
    pod["status"] = {
        {"phase", "Running"},
        {"podIP", relay.address},
        {"podIPs", {{{"ip", relay.address}}}},
        {"hostIP", "10.77.0.1"},
        {"conditions", {{{"type", "ContainersReady"}, {"status", "True"}}, {{"type", "Ready"}, {"status", "True"}}}},
        {"containerStatuses",
         {{{"name", "relay"},
           {"ready", true},
           {"started", true},
           {"restartCount", 0},
           {"image", "coturn"},
           {"imageID", ""},
           {"state", {{"running", json::object()}}}}}}};
    apply(kube::pods, pod, "status");
  }

  [[nodiscard]] std::string keys_json() {
    auto secret = client->get(kube::secrets, {ns, "calls-signing-keys"}, in(10s));
    return secret ? base64_decode((*secret)["data"]["keys.json"].get<std::string>()).value_or("") : std::string();
  }
  [[nodiscard]] api::SigningKeys keys() { return api::parse_signing_keys(keys_json()).value_or(api::SigningKeys{}); }
  [[nodiscard]] std::size_t in_phase(api::SigningKey::Phase phase) {
    const auto now = keys();
    return static_cast<std::size_t>(std::ranges::count(now, phase, &api::SigningKey::phase));
  }
  [[nodiscard]] json credentials() {
    const auto object = get(op::turn_clusters, "calls");
    return object ? object->value("/status/credentials"_json_pointer, json::object()) : json::object();
  }
  [[nodiscard]] std::string what_is() {
    return credentials().dump() + ' ' + condition("calls", "CredentialsCurrent").dump();
  }

  // All keys that retire have been retiring for as long as a credential lives.
  void let_the_ttl_pass(Newcomers& newcomers) {
    for (const auto& key : keys()) {
      if (key.phase == api::SigningKey::Phase::retiring) newcomers.expire(key.secret);
    }
    ASSERT_TRUE(eventually([&] {
      auto secret = get(kube::secrets, "calls-signing-keys");
      auto moved = keys();
      for (auto& key : moved) {
        if (key.phase == api::SigningKey::Phase::retiring) key.since -= credential_ttl + 10min;
      }
      const json patch = {{"apiVersion", "v1"},
                          {"kind", "Secret"},
                          {"metadata",
                           {{"name", "calls-signing-keys"},
                            {"namespace", ns},
                            {"resourceVersion", (*secret)["metadata"]["resourceVersion"]}}},
                          {"data", {{"keys.json", base64_encode(api::render_signing_keys(moved).reveal())}}}};
      return client->apply(kube::secrets, patch, {.field_manager = "test"}, in(10s)).has_value();
    }));
  }

  // Of every key that there ever was.
  [[nodiscard]] std::set<std::string> all_secrets() const {
    std::set<std::string> secrets;
    for (const auto& document : volumes->seen()) {
      const auto parsed = api::parse_signing_keys(document).value();
      for (const auto& key : parsed) secrets.insert(key.secret.reveal());
    }
    return secrets;
  }

  // Every secret that there ever was, and everything that people, log collectors and other processes can read.
  void expect_nothing_secret_to_be_readable() {
    std::map<std::string, std::string> readable{{"the operator's log", operator_logs + op_process->log()},
                                                {"the monitor's log", contents(monitor_log)}};
    readable["the TurnCluster"] = get(op::turn_clusters, "calls")->dump();
    readable["events"] = json(list(kube::events)).dump();
    readable["the ConfigMap"] = get(kube::config_maps, "calls-eu")->dump();
    readable["the StatefulSet"] = get(kube::stateful_sets, "calls-eu")->dump();
    for (const auto& [name, address] : std::map<std::string, std::string>{
             {"monitor", monitor_address}, {"operator", op_process->metrics_address()}}) {
      const auto metrics = http::fetch("http://" + address, {.target = "/metrics"}, in(10s));
      ASSERT_TRUE(metrics && metrics->status == 200) << name;
      readable["metrics of the " + name] = metrics->body;
    }
    std::vector<pid_t> pids{op_process->process().pid(), monitor->pid()};
    for (const auto& container : containers) {
      const auto& name = container->options().name;
      readable["log of " + name] = container->log();
      readable["metrics of " + name] = container->get("/metrics");
      readable["state of " + name] = container->get("/v1/state");
      std::ranges::copy(container->pids(), std::back_inserter(pids));
    }
    for (const pid_t pid : pids) {
      for (const char* file : {"cmdline", "environ"}) {
        const std::string path = "/proc/" + std::to_string(pid) + '/' + file;
        readable[path] = contents(path);
      }
    }
    const auto secrets = all_secrets();
    EXPECT_FALSE(secrets.empty());
    for (const auto& secret : secrets) {
      for (const auto& text : {secret, base64_encode(secret)}) {
        for (const auto& [what, words] : readable) EXPECT_EQ(words.find(text), std::string::npos) << what;
      }
    }
    for (const auto& [what, words] : readable)
      EXPECT_FALSE(words.empty() && what.find("environ") == std::string::npos) << what;
  }

  // Each with a credential of its own.
  [[nodiscard]] static std::vector<Caller> everybody(int count) {
    std::vector<Caller> callers;
    for (int i = 0; i < count; ++i) {
      callers.push_back({.relay = relays[static_cast<std::size_t>(i) % relays.size()],
                         .credential = fetch_credential(monitor_address, "caller" + std::to_string(i))});
    }
    return callers;
  }
  static void expect_all_talk(const Callers& callers, int count) {
    const bool all = eventually([&] { return callers.tally().talking == count; });
    const auto tally = callers.tally();
    ASSERT_TRUE(all) << tally.talking << " of " << count << " talk; " << ::testing::PrintToString(tally.ended);
  }

  std::unique_ptr<op::OperatorProcess> op_process;
  std::string operator_logs;
  std::vector<std::unique_ptr<RelayContainer>> containers;
  std::optional<Volumes> volumes;
  std::optional<ChildProcess> monitor;
  std::string monitor_log;
};

TEST_F(RotationTest, TenRotationsCutNoCallAndRefuseNobody) {
  const Callers callers(everybody(calls));
  ASSERT_NO_FATAL_FAILURE(expect_all_talk(callers, calls));
  std::optional<Newcomers> newcomers(std::in_place, monitor_address, relays);

  for (int i = 1; i <= 10; ++i) {
    SCOPED_TRACE("rotation " + std::to_string(i));
    ask({{"turnkeeper.io/rotate", std::to_string(i)}});
    const auto died_at = i % 3;  // in some of them the operator dies: before the new key is issued, or after
    const auto issues_new = [&] { return credentials().value("currentKey", "") == "k" + std::to_string(i + 1); };
    if (died_at == 1) {
      // (A step may be over before it is seen here.)
      ASSERT_TRUE(eventually([&] { return in_phase(api::SigningKey::Phase::staged) == 1 || issues_new(); }))
          << what_is();
      kill_operator();
    }
    ASSERT_TRUE(eventually(issues_new)) << what_is();
    if (died_at == 2) kill_operator();
    const auto now = keys();
    for (const auto& key : now) {
      if (key.phase == api::SigningKey::Phase::retiring) newcomers->retire(key.secret);
    }
    const int before = newcomers->tally().with_retired_keys;
    EXPECT_TRUE(eventually([&] { return newcomers->tally().with_retired_keys >= before + 10; }));
    ASSERT_NO_FATAL_FAILURE(let_the_ttl_pass(*newcomers));
  }
  ASSERT_TRUE(eventually([&] { return credentials().value("phase", "") == "Idle" && keys().size() == 1; }))
      << what_is();
  EXPECT_EQ(condition("calls", "CredentialsCurrent")["reason"], "Current");

  const auto came = newcomers->tally();
  newcomers.reset();
  EXPECT_THAT(came.refused, IsEmpty());
  const auto spoke = callers.tally();
  EXPECT_THAT(spoke.ended, IsEmpty());
  EXPECT_EQ(spoke.talking, calls) << "each began with the first key, which is long gone";
  EXPECT_GE(spoke.least_refreshes, 3);
  std::cout << came.allocations << " allocations by newcomers, " << came.with_retired_keys << " with retired keys, "
            << spoke.refreshes << " refreshes in calls\n";

  auto old = all_secrets();
  EXPECT_EQ(old.size(), 11U);
  const auto current = keys().at(0).secret;
  old.erase(current.reveal());
  for (const auto& relay : relays) {
    EXPECT_EQ(try_allocation(relay, current), "");
    for (const auto& secret : old) EXPECT_EQ(try_allocation(relay, Secret(secret)).substr(0, 3), "401") << relay;
  }
  for (const auto& container : containers) EXPECT_EQ(json::parse(container->get("/v1/state")).value("starts", 0), 1);
  expect_nothing_secret_to_be_readable();
}

TEST_F(RotationTest, ALeakedKeyIsRefusedWithinSecondsAndCallsGoOn) {
  const auto leaked = keys().at(0).secret;
  const Callers callers(everybody(20));
  ASSERT_NO_FATAL_FAILURE(expect_all_talk(callers, 20));
  ask({{"turnkeeper.io/revoke", "it was in a log"}});
  ASSERT_TRUE(eventually([&] {
    return credentials().value("phase", "") == "Idle" && keys().size() == 1 && keys().at(0).id == "k2";
  })) << what_is();
  EXPECT_EQ(credentials()["request"], "it was in a log");
  for (const auto& relay : relays) {
    EXPECT_EQ(try_allocation(relay, leaked).substr(0, 3), "401");
    BlockingClient client(relay, fetch_credential(monitor_address, "after"));
    EXPECT_EQ(client.allocate(), "");
  }
  const int refreshed = callers.tally().least_refreshes;
  EXPECT_TRUE(eventually([&] { return callers.tally().least_refreshes > refreshed; }));
  EXPECT_EQ(callers.tally().talking, 20);
  EXPECT_THAT(callers.tally().ended, IsEmpty());
  expect_nothing_secret_to_be_readable();
}

}  // namespace
}  // namespace turnkeeper::test
