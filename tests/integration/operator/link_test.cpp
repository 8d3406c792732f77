// From pods in the API to what monitors are told, and from what monitors say to the TurnCluster's status.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "operator_process.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/v1/health.grpc.pb.h"
#include "turnkeeper/v1/targets.grpc.pb.h"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

class LinkTest : public OperatorTest {
 protected:
  // A relay's pod as the StatefulSet controller and a kubelet would leave it.
  void make_pod(const std::string& region, const std::string& address) {
    const std::string name = "calls-" + region + "-0";
    const json labels = (*get(kube::stateful_sets, "calls-" + region))["spec"]["template"]["metadata"]["labels"];
    json pod = {{"apiVersion", "v1"},
                {"kind", "Pod"},
                {"metadata", {{"name", name}, {"namespace", ns}, {"labels", labels}}},
                {"spec",
                 {{"nodeName", "node1"},
                  {"automountServiceAccountToken", false},
                  {"containers", {{{"name", "relay"}, {"image", "coturn"}}}}}}};
    apply(service_accounts,
          {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", "default"}, {"namespace", ns}}}});
    apply(kube::pods, pod);
    pod.erase("spec");
    pod["status"] = {{"phase", "Running"},
                     {"podIP", address},
                     {"hostIP", address},
                     {"conditions", {{{"type", "Ready"}, {"status", "True"}}}},
                     {"containerStatuses",
                      {{{"name", "relay"},
                        {"ready", true},
                        {"started", true},
                        {"restartCount", 0},
                        {"image", "coturn"},
                        {"imageID", ""},
                        {"state", {{"running", json::object()}}}}}}};
    pod["status"]["podIPs"] = {{{"ip", address}}};
    apply(kube::pods, pod, "status");
  }
  static inline const kube::ResourceType service_accounts{"", "v1", "ServiceAccount", "serviceaccounts"};
};

TEST_F(LinkTest, MonitorsLearnOfARelayAndItsHealthReachesTheStatus) {
  OperatorProcess op(kubeconfig(), {"--namespace=" + ns, "--snapshot-secret=targets"});
  apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}, {"relay", {{"replicas", 1}}}}})));
  ASSERT_TRUE(eventually([&] { return exists(kube::stateful_sets, "calls-eu"); }));
  make_pod("eu", "192.0.2.7");

  auto channel = grpc::CreateChannel(op.grpc_address(), grpc::InsecureChannelCredentials());
  auto targets = v1::Targets::NewStub(channel);
  grpc::ClientContext watching;
  watching.set_deadline(std::chrono::system_clock::now() + 30s);
  v1::WatchTargetsRequest request;
  request.set_vantage("paris");
  auto stream = targets->Watch(&watching, request);
  v1::TargetSet set;
  const auto ours = [&]() -> const v1::ClusterTargets* {
    for (const auto& target : set.clusters()) {
      if (target.cluster() == ns + "/calls" && target.regions(0).relays_size() == 1) return &target;
    }
    return nullptr;
  };
  while (ours() == nullptr) ASSERT_TRUE(stream->Read(&set)) << "the relay was never announced";
  EXPECT_EQ(ours()->realm(), "turn.example.org");
  EXPECT_EQ(ours()->regions(0).relays(0).name(), "eu-0");
  EXPECT_EQ(ours()->regions(0).relays(0).uris(0), "turn:192.0.2.7:3478?transport=udp");
  ASSERT_EQ(ours()->signing_keys_size(), 1);
  EXPECT_EQ(ours()->signing_keys(0).phase(), v1::SigningKey::ISSUING);

  EXPECT_TRUE(eventually([&] {
    const auto snapshot = get(kube::secrets, "targets");
    return snapshot && base64_decode((*snapshot)["data"]["targets.json"].get<std::string>())->find("192.0.2.7") !=
                           std::string::npos;
  })) << "a monitor that starts without the operator would not know the relay";

  auto health = v1::Health::NewStub(channel);
  grpc::ClientContext reporting;
  reporting.set_deadline(std::chrono::system_clock::now() + 60s);
  v1::HealthAck ack;
  auto reports = health->Report(&reporting, &ack);
  const auto report = [&](const std::string& verdict, const std::string& cause) {
    v1::HealthReport message;
    message.set_vantage("paris");
    auto* relay = message.add_relays();
    relay->set_cluster(ns + "/calls");
    relay->set_region("eu");
    relay->set_relay("eu-0");
    relay->set_verdict(verdict);
    relay->set_cause(cause);
    relay->mutable_since()->set_seconds(1'790'000'000);
    return reports->Write(message);
  };
  const auto has_event = [&](const std::string& reason) {
    const auto events = list(kube::events);
    return std::any_of(events.begin(), events.end(), [&](const json& event) { return event["reason"] == reason; });
  };
  const auto relay = [&]() -> json { return (*get(turn_clusters, "calls"))["status"]["relays"][0]; };
  ASSERT_TRUE(report("Healthy", ""));
  ASSERT_TRUE(eventually([&] { return relay()["verdict"] == "Healthy"; })) << relay();
  EXPECT_EQ(condition("calls", "Ready")["status"], "True");
  EXPECT_EQ(relay()["address"], "192.0.2.7");

  ASSERT_TRUE(report("Unhealthy", "auth-secret"));
  ASSERT_TRUE(eventually([&] { return relay()["verdict"] == "Unhealthy"; })) << relay();
  EXPECT_EQ(relay()["cause"], "auth-secret");
  EXPECT_EQ(condition("calls", "Ready")["status"], "False");
  EXPECT_TRUE(eventually([&] { return has_event("RegionFailing"); }));

  ASSERT_TRUE(report("Healthy", ""));
  EXPECT_TRUE(eventually([&] { return has_event("RegionRecovered"); }));
  reporting.TryCancel();
  watching.TryCancel();
}

TEST_F(LinkTest, TheEmptierOfTwoRelaysIsGivenUpAndItsNumberComesBack) {
  OperatorProcess op(kubeconfig(), {"--namespace=" + ns});
  const auto between = [&](int min, int max) {
    const json autoscaling = {{"min", min}, {"max", max}, {"sessionsPerRelay", 100}};
    apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}, {"relay", {{"autoscaling", autoscaling}}}}})));
  };
  between(2, 2);
  ASSERT_TRUE(eventually([&] { return exists(kube::stateful_sets, "calls-eu"); }));
  make_relay("calls-eu", 0, "192.0.2.7");
  make_relay("calls-eu", 1, "192.0.2.8");

  auto health = v1::Health::NewStub(grpc::CreateChannel(op.grpc_address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext reporting;
  reporting.set_deadline(std::chrono::system_clock::now() + 120s);
  v1::HealthAck ack;
  auto reports = health->Report(&reporting, &ack);
  const auto report = [&](const std::string& verdict_of_first) {
    v1::HealthReport message;
    message.set_vantage("paris");
    for (const int ordinal : {0, 1}) {
      auto* relay = message.add_relays();
      relay->set_cluster(ns + "/calls");
      relay->set_region("eu");
      relay->set_relay("eu-" + std::to_string(ordinal));
      relay->set_verdict(ordinal == 0 ? verdict_of_first : "Healthy");
      relay->mutable_since()->set_seconds(1'790'000'000);
      relay->mutable_agent()->set_sessions(ordinal == 0 ? 0 : 40);
    }
    return reports->Write(message);
  };
  const auto relays = [&]() -> json { return (*get(turn_clusters, "calls"))["status"]["relays"]; };
  // "first/how many", as the API server has it.
  const auto ordinals = [&] {
    const json spec = (*get(kube::stateful_sets, "calls-eu"))["spec"];
    return std::to_string(spec.value(json::json_pointer("/ordinals/start"), 0)) + '/' + spec["replicas"].dump();
  };
  const auto is_marked = [&](const std::string& pod) {
    return (*get(kube::pods, pod))["metadata"]["annotations"].contains("turnkeeper.io/draining");
  };
  ASSERT_TRUE(report("Healthy"));
  ASSERT_TRUE(eventually([&] { return relays().size() == 2 && relays()[1].value("sessions", 0) == 40; })) << relays();
  EXPECT_EQ(ordinals(), "0/2");

  between(1, 1);
  ASSERT_TRUE(eventually([&] { return is_marked("calls-eu-0"); })) << "its clients are moved first";
  EXPECT_FALSE(is_marked("calls-eu-1"));
  EXPECT_EQ(ordinals(), "0/2");
  ASSERT_TRUE(report("Draining"));
  ASSERT_TRUE(eventually([&] { return ordinals() == "1/1"; })) << ordinals();
  // As the StatefulSet controller and a kubelet would.
  ASSERT_TRUE(client->remove(kube::pods, {ns, "calls-eu-0"}, {.grace = 0s}, in(10s)));
  EXPECT_TRUE(eventually([&] { return relays().size() == 1 && relays()[0]["name"] == "eu-1"; })) << relays();
  EXPECT_FALSE(is_marked("calls-eu-1"));

  between(2, 2);
  EXPECT_TRUE(eventually([&] { return ordinals() == "0/2"; })) << ordinals();
  reporting.TryCancel();
}

TEST_F(LinkTest, ADeletedClusterIsWithdrawn) {
  OperatorProcess op(kubeconfig());
  apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}}})));
  ASSERT_TRUE(eventually([&] { return !condition("calls", "Ready").is_null(); }));
  auto targets = v1::Targets::NewStub(grpc::CreateChannel(op.grpc_address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext watching;
  watching.set_deadline(std::chrono::system_clock::now() + 30s);
  auto stream = targets->Watch(&watching, {});
  v1::TargetSet set;
  const auto knows = [&] {
    return std::any_of(set.clusters().begin(), set.clusters().end(),
                       [&](const auto& target) { return target.cluster() == ns + "/calls"; });
  };
  do {
    ASSERT_TRUE(stream->Read(&set));
  } while (!knows());
  remove(turn_clusters, "calls");
  do {
    ASSERT_TRUE(stream->Read(&set)) << "monitors would probe what is gone";
  } while (knows());
  watching.TryCancel();
}

TEST_F(LinkTest, AVantagesCertificateOpensItsOwnTurnClusterOnlyAndIsIssuedAgain) {
  const auto directory = ::testing::TempDir() + ns;
  OperatorProcess op(kubeconfig(), {"--namespace=" + ns, "--issue-tls=tk", "--tls-dir=" + directory,
                                    "--monitor-operator-address=operator.example.org:9443"});
  apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}, {"vantage", true}}})));
  apply(turn_clusters, cluster("other", json::array({{{"name", "eu"}}})));
  ASSERT_TRUE(eventually([&] { return exists(kube::secrets, "calls-eu-vantage-tls"); })) << op.log();
  // The TurnClusters that a process with this Secret is told of, with their keys; `until` all of these are among them.
  const auto told = [&](const std::string& secret, const std::set<std::string>& until) {
    const json data = (*get(kube::secrets, secret))["data"];
    const auto entry = [&](const char* name) { return *base64_decode(data[name].get<std::string>()); };
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("tk-operator");
    auto stub = v1::Targets::NewStub(grpc::CreateCustomChannel(
        op.grpc_address(), grpc::SslCredentials({entry("ca.crt"), entry("tls.key"), entry("tls.crt")}), arguments));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 30s);
    auto stream = stub->Watch(&context, {});
    std::set<std::string> all;
    for (v1::TargetSet set; !std::ranges::includes(all, until) && stream->Read(&set);) {
      for (const auto& target : set.clusters()) all.insert(target.cluster());
    }
    context.TryCancel();
    return all;
  };
  EXPECT_THAT(told("tk-monitor-tls", {ns + "/calls", ns + "/other"}),
              ::testing::IsSupersetOf({ns + "/calls", ns + "/other"}));
  EXPECT_THAT(told("calls-eu-vantage-tls", {ns + "/calls"}), ::testing::ElementsAre(ns + "/calls"));

  const auto first = (*get(kube::secrets, "calls-eu-vantage-tls"))["data"]["tls.crt"];
  remove(kube::secrets, "calls-eu-vantage-tls");
  ASSERT_TRUE(eventually([&] {
    const auto again = get(kube::secrets, "calls-eu-vantage-tls");
    return again && (*again)["data"]["tls.crt"] != first;
  })) << "the vantage could not start any more";
  EXPECT_THAT(told("calls-eu-vantage-tls", {ns + "/calls"}), ::testing::ElementsAre(ns + "/calls"));
  std::filesystem::remove_all(directory);
}

TEST_F(LinkTest, AProviderThatCouldNotServeIsSaidInTheStatus) {
  OperatorProcess op(kubeconfig());
  auto object = cluster("calls", json::array({{{"name", "eu"}}}));
  object["spec"]["failover"]["providers"] = json::array(
      {{{"name", "twilio"}, {"type", "Twilio"}, {"account", "AC00"}, {"secretRef", {{"name", "vendors"}}}}});
  apply(turn_clusters, object);
  const auto says = [&](const std::string& reason, const std::string& words) {
    return eventually([&] {
      const auto usable = condition("calls", "ProvidersUsable");
      return usable.is_object() && usable["reason"] == reason &&
             usable["message"].get<std::string>().find(words) != std::string::npos;
    });
  };
  EXPECT_TRUE(says("SecretUnusable", "Secret vendors, entry secret: there is no such Secret"));
  apply(kube::secrets, {{"apiVersion", "v1"},
                        {"kind", "Secret"},
                        {"metadata", {{"name", "vendors"}, {"namespace", ns}}},
                        {"stringData", {{"secret", "token"}}}});
  EXPECT_TRUE(says("MonitorNotHeard", "no monitor was heard"));

  auto health = v1::Health::NewStub(grpc::CreateChannel(op.grpc_address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext reporting;
  reporting.set_deadline(std::chrono::system_clock::now() + 60s);
  v1::HealthAck ack;
  auto reports = health->Report(&reporting, &ack);
  v1::HealthReport message;
  message.set_vantage("paris");
  auto& twilio = *message.add_providers();
  twilio.set_cluster(ns + "/calls");
  twilio.set_provider("twilio");
  twilio.set_verdict("Unknown");
  twilio.set_trouble("the API answers 401");
  ASSERT_TRUE(reports->Write(message));
  EXPECT_TRUE(says("ProviderFailing", "provider twilio: it gives no credentials: the API answers 401"));
  twilio.set_verdict("Healthy");
  twilio.clear_trouble();
  ASSERT_TRUE(reports->Write(message));
  EXPECT_TRUE(eventually([&] {
    const auto status = (*get(turn_clusters, "calls"))["status"];
    return status["regions"][0]["servedBy"] == "provider twilio" && condition("calls", "Ready")["status"] == "False";
  })) << "no relay of ours was ever up";
  reporting.TryCancel();
}

TEST_F(LinkTest, AProvidersNewTokenReachesTheMonitorsAtOnce) {
  const auto vendors = [&](const std::string& token) {
    apply(kube::secrets, {{"apiVersion", "v1"},
                          {"kind", "Secret"},
                          {"metadata", {{"name", "vendors"}, {"namespace", ns}}},
                          {"stringData", {{"twilio", token + "\n"}}}});
  };
  OperatorProcess op(kubeconfig());
  vendors("first");
  auto object = cluster("calls", json::array({{{"name", "eu"}}}));
  object["spec"]["failover"] = {
      {"use", "Only"},
      {"providers", json::array({{{"name", "twilio"},
                                  {"type", "Twilio"},
                                  {"account", "AC00"},
                                  {"secretRef", {{"name", "vendors"}, {"key", "twilio"}}}}})}};
  apply(turn_clusters, object);
  auto targets = v1::Targets::NewStub(grpc::CreateChannel(op.grpc_address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext watching;
  watching.set_deadline(std::chrono::system_clock::now() + 30s);
  auto stream = targets->Watch(&watching, {});
  v1::TargetSet set;
  const auto token = [&]() -> std::string {
    for (const auto& target : set.clusters()) {
      if (target.cluster() != ns + "/calls" || target.providers_size() != 1) continue;
      EXPECT_EQ(target.provider_use(), "Only");
      return target.providers(0).secret();
    }
    return {};
  };
  while (token() != "first") ASSERT_TRUE(stream->Read(&set)) << "the provider was never announced";
  vendors("second");
  while (token() != "second") ASSERT_TRUE(stream->Read(&set)) << "a revoked token is used on and on";
  watching.TryCancel();
}

}  // namespace
}  // namespace turnkeeper::op
