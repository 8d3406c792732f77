// How relays are reached, against a real API server: their Services, what agents are told, what monitors are told.
#include <grpcpp/grpcpp.h>

#include "operator_process.hpp"
#include "turnkeeper/v1/targets.grpc.pb.h"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using ::testing::ElementsAre;

class ExposureTest : public OperatorTest {
 protected:
  // As a cloud's controller would set it.
  void give_address(const std::string& service, const std::string& address) {
    apply(kube::services,
          {{"apiVersion", "v1"},
           {"kind", "Service"},
           {"metadata", {{"name", service}, {"namespace", ns}}},
           {"status", {{"loadBalancer", {{"ingress", {{{"ip", address}}}}}}}}},
          "status");
  }

  [[nodiscard]] json addresses() {
    const auto map = get(kube::config_maps, "calls-eu");
    return map ? json::parse((*map)["data"]["addresses.json"].get<std::string>()) : json();
  }
  [[nodiscard]] std::string template_hash() {
    return (*get(kube::stateful_sets, "calls-eu"))["spec"]["template"].dump();
  }
  [[nodiscard]] std::string version_of_pod(const std::string& name) {
    const auto pod = get(kube::pods, name);
    return pod ? (*pod)["metadata"]["uid"].get<std::string>() : "gone";
  }
};

// What a monitor is told about the one region of this test's cluster.
class Listening {
 public:
  Listening(const std::string& operator_address, std::string cluster)
      : targets_(v1::Targets::NewStub(grpc::CreateChannel(operator_address, grpc::InsecureChannelCredentials()))),
        cluster_(std::move(cluster)) {
    context_.set_deadline(std::chrono::system_clock::now() + 60s);
    stream_ = targets_->Watch(&context_, {});
  }
  ~Listening() { context_.TryCancel(); }

  // Reads on until the relay's URIs are these; false when the stream ends before.
  bool hears(const std::string& relay, const std::vector<std::string>& uris) {
    do {
      if (this->uris(relay) == uris) return true;
    } while (stream_->Read(&set_));
    return false;
  }
  [[nodiscard]] std::vector<std::string> uris(const std::string& name) const {
    for (const auto& cluster : set_.clusters()) {
      if (cluster.cluster() != cluster_) continue;
      for (const auto& relay : cluster.regions(0).relays()) {
        if (relay.name() == name) return {relay.uris().begin(), relay.uris().end()};
      }
    }
    return {};
  }

 private:
  std::unique_ptr<v1::Targets::Stub> targets_;
  const std::string cluster_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::TargetSet>> stream_;
  v1::TargetSet set_;
};

json balanced(int relay_max) {
  return json::array({{{"name", "eu"},
                       {"relay",
                        {{"replicas", 2},
                         {"exposure", "LoadBalancer"},
                         {"transports", {"UDP", "TCP"}},
                         {"ports", {{"relayMin", 50000}, {"relayMax", relay_max}}}}}}});
}

TEST_F(ExposureTest, ALoadBalancersAddressReachesClientsAndItsRelayAndNoOther) {
  OperatorProcess op(kubeconfig());
  apply(turn_clusters, cluster("calls", balanced(50001)));
  ASSERT_TRUE(
      eventually([&] { return exists(kube::services, "calls-eu-1") && exists(kube::stateful_sets, "calls-eu"); }));
  const json spec = (*get(kube::services, "calls-eu-0"))["spec"];
  EXPECT_EQ(spec["type"], "LoadBalancer");
  EXPECT_EQ(spec["externalTrafficPolicy"], "Local");
  EXPECT_EQ(spec["ports"].size(), 4u) << "two transports and two relayed ports: " << spec["ports"];
  make_relay("calls-eu", 0, "10.1.0.5");
  make_relay("calls-eu", 1, "10.1.0.6");
  EXPECT_TRUE(addresses()["relays"].empty()) << "relays wait for theirs";

  Listening monitor(op.grpc_address(), ns + "/calls");
  give_address("calls-eu-0", "198.51.100.4");
  give_address("calls-eu-1", "198.51.100.5");
  const json both = {{"calls-eu-0", {"198.51.100.4"}}, {"calls-eu-1", {"198.51.100.5"}}};
  ASSERT_TRUE(eventually([&] { return addresses()["relays"] == both; })) << addresses();
  ASSERT_TRUE(monitor.hears("eu-1", {"turn:198.51.100.5:3478?transport=udp", "turn:198.51.100.5:3478?transport=tcp"}));

  const std::string before = template_hash();
  const std::string other = version_of_pod("calls-eu-1");
  const std::string itself = version_of_pod("calls-eu-0");
  give_address("calls-eu-0", "198.51.100.44");
  const json changed = {{"calls-eu-0", {"198.51.100.44"}}, {"calls-eu-1", {"198.51.100.5"}}};
  ASSERT_TRUE(eventually([&] { return addresses()["relays"] == changed; })) << addresses();
  EXPECT_TRUE(
      monitor.hears("eu-0", {"turn:198.51.100.44:3478?transport=udp", "turn:198.51.100.44:3478?transport=tcp"}));
  EXPECT_THAT(monitor.uris("eu-1"),
              ElementsAre("turn:198.51.100.5:3478?transport=udp", "turn:198.51.100.5:3478?transport=tcp"));
  EXPECT_EQ(template_hash(), before) << "every relay of the region would be renewed";
  EXPECT_EQ(version_of_pod("calls-eu-1"), other);
  EXPECT_EQ(version_of_pod("calls-eu-0"), itself);
}

TEST_F(ExposureTest, ARelaysServiceGoesAfterItsPod) {
  OperatorProcess op(kubeconfig());
  apply(turn_clusters, cluster("calls", balanced(60000)));
  ASSERT_TRUE(
      eventually([&] { return exists(kube::services, "calls-eu-1") && exists(kube::stateful_sets, "calls-eu"); }));
  EXPECT_EQ((*get(kube::services, "calls-eu-1"))["spec"]["ports"].size(), 2u);
  json on_nodes = balanced(60000);
  on_nodes[0]["relay"]["exposure"] = "ClusterIP";
  apply(turn_clusters, cluster("calls", on_nodes));
  EXPECT_TRUE(
      eventually([&] { return !exists(kube::services, "calls-eu-0") && !exists(kube::services, "calls-eu-1"); }));
  EXPECT_TRUE(exists(kube::services, "calls-eu"));
}

TEST_F(ExposureTest, NodePortsThatKubernetesChoseAreWhatClientsGet) {
  OperatorProcess op(kubeconfig());
  json region = balanced(60000);
  region[0]["relay"]["exposure"] = "NodePort";
  region[0]["relay"]["publicAddress"] = {{"fixed", {"203.0.113.7", "203.0.113.8"}}};
  region[0]["relay"]["ports"]["turn"] = 443;  // a pod may ask for that, too
  apply(turn_clusters, cluster("calls", region));
  ASSERT_TRUE(
      eventually([&] { return exists(kube::services, "calls-eu-0") && exists(kube::stateful_sets, "calls-eu"); }));
  make_relay("calls-eu", 0, "10.1.0.5");
  std::vector<std::string> uris;
  const json service = *get(kube::services, "calls-eu-0");
  for (const auto& port : service["spec"]["ports"]) {
    uris.push_back("turn:203.0.113.7:" + port["nodePort"].dump() +
                   (port["protocol"] == "UDP" ? "?transport=udp" : "?transport=tcp"));
  }
  Listening monitor(op.grpc_address(), ns + "/calls");
  EXPECT_TRUE(monitor.hears("eu-0", uris)) << ::testing::PrintToString(uris);
}

TEST_F(ExposureTest, RelaysAreMadeBeforeExternalDnsAndCertManagerAreThereAndThePersonIsTold) {
  OperatorProcess op(kubeconfig());
  json named = cluster("calls", json::array({{{"name", "eu"}, {"relay", {{"replicas", 1}}}}}));
  named["spec"]["dns"] = {{"hostname", "turn.example.org"}};
  named["spec"]["tls"] = {{"issuerRef", {{"name", "letsencrypt"}}}};
  apply(turn_clusters, named);
  ASSERT_TRUE(eventually([&] { return exists(kube::stateful_sets, "calls-eu"); }));
  const auto stalled = [&] {
    const json condition = this->condition("calls", "Stalled");
    return !condition.is_null() && condition["status"] == "True";
  };
  ASSERT_TRUE(eventually(stalled));
  EXPECT_THAT(condition("calls", "Stalled")["message"].get<std::string>(), ::testing::HasSubstr("Certificate"));

  for (const auto& type : {kube::dns_endpoints, kube::certificates}) {
    apply(kube::custom_resource_definitions, definition_of(type));
  }
  ASSERT_TRUE(eventually([&] {
    const auto listed = client->list(kube::dns_endpoints, ns, {}, in(10s));
    return listed && !listed->items.empty();
  }));
  EXPECT_TRUE(eventually([&] { return exists(kube::certificates, "calls-tls"); }));
  EXPECT_TRUE(eventually([&] { return !stalled(); }));
  make_relay("calls-eu", 0, "192.0.2.7");
  EXPECT_TRUE(eventually([&] {
    const auto records = get(kube::dns_endpoints, "calls");
    return records && records->dump().find("192.0.2.7") != std::string::npos;
  })) << "nobody could look up the relay's name";
  for (const auto& type : {kube::dns_endpoints, kube::certificates}) {
    remove_definition(type);
  }
}

TEST_F(ExposureTest, AVantageGetsWhatItNeedsAndItsRenewedCertificate) {
  const auto certificate = [&](const std::string& key) {
    apply(kube::secrets, {{"apiVersion", "v1"},
                          {"kind", "Secret"},
                          {"metadata", {{"name", "monitors"}, {"namespace", ns}}},
                          {"stringData", {{"ca.crt", "ca"}, {"tls.crt", "certificate"}, {"tls.key", key}}}});
  };
  certificate("first");
  OperatorProcess op(kubeconfig(), {"--namespace=" + ns, "--monitor-operator-address=operator.example.org:9443",
                                    "--monitor-tls-secret=monitors"});
  apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}, {"vantage", true}}})));
  ASSERT_TRUE(eventually([&] { return exists(kube::deployments, "calls-eu-vantage"); }));
  EXPECT_TRUE(exists(kube::secrets, "calls-eu-vantage-targets"));
  const auto key = [&] { return (*get(kube::secrets, "calls-eu-vantage-tls"))["data"]["tls.key"].get<std::string>(); };
  EXPECT_EQ(key(), "Zmlyc3Q=");
  certificate("second");
  EXPECT_TRUE(eventually([&] { return key() == "c2Vjb25k"; }));

  apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}, {"vantage", false}}})));
  EXPECT_TRUE(eventually([&] {
    return !exists(kube::deployments, "calls-eu-vantage") && !exists(kube::secrets, "calls-eu-vantage-tls");
  }));
}

}  // namespace
}  // namespace turnkeeper::op
