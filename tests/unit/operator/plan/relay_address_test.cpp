// Where clients find each relay: a wrong answer here is a relay that nobody reaches, though it is well.
#include "operator/plan/relay_address.hpp"

#include <gmock/gmock.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using api::Exposure;
using api::IpFamily;
using api::Transport;
using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// A Pod on node-a with its own addresses and the ports that it listens on.
json pod_with(const std::vector<std::string>& addresses, const json& ports = json::array()) {
  auto ips = json::array();
  for (const auto& address : addresses) ips.push_back({{"ip", address}});
  return {{"spec", {{"nodeName", "node-a"}, {"containers", {{{"name", "relay"}, {"ports", ports}}}}}},
          {"status", {{"podIPs", ips}}}};
}

const json turn_ports = {{{"name", "turn-udp"}, {"containerPort", 3478}},
                         {{"name", "turn-tcp"}, {"containerPort", 3478}}};

json service(const json& ingress, const json& ports) {
  return {{"spec", {{"ports", ports}}}, {"status", {{"loadBalancer", {{"ingress", ingress}}}}}};
}

const json service_ports = {{{"name", "turn-udp"}, {"port", 3478}, {"nodePort", 30001}},
                            {{"name", "turn-tcp"}, {"port", 3478}, {"nodePort", 30002}},
                            {{"name", "turns-tcp"}, {"port", 5349}, {"nodePort", 30003}}};

api::RelaySpec exposed(Exposure exposure) {
  api::RelaySpec relay;
  relay.exposure = exposure;
  return relay;
}

// Only this many relayed ports: each can be published.
api::RelaySpec with_published_ports() {
  auto relay = exposed(Exposure::load_balancer);
  relay.ports.relay_min = 50000;
  relay.ports.relay_max = 50099;
  return relay;
}

const std::map<std::string, NodeFacts> node_a = {
    {"node-a", {.external_ips = {"203.0.113.7"}, .internal_ips = {"10.0.0.7", "2001:db8::7"}}}};

RelayReach reach(const api::RelaySpec& relay, const json& pod, const std::map<std::string, NodeFacts>& nodes = {},
                 const json& service = nullptr) {
  return relay_reach(relay, pod, 0, nodes, service);
}

TEST(HostNetworkRelay, IsReachedAtItsNodesExternalAddressAndRelaysFromThere) {
  const auto found = reach(exposed(Exposure::host_network), pod_with({"10.0.0.7"}, turn_ports), node_a);
  EXPECT_THAT(found.addresses, ElementsAre("203.0.113.7"));
  EXPECT_THAT(found.relayed, ElementsAre("203.0.113.7"));
  EXPECT_EQ(found.agent, "10.0.0.7:9642") << "monitors in the cluster need no way over the outside";
}

TEST(HostNetworkRelay, IsReachedAtItsOwnAddressWhereTheNodeHasNoOther) {
  const auto found = reach(exposed(Exposure::host_network), pod_with({"10.0.0.7"}));
  EXPECT_THAT(found.addresses, ElementsAre("10.0.0.7"));
}

TEST(HostNetworkRelay, KeepsAFamilyThatOnlyTheNodeItselfHas) {
  const auto found = reach(exposed(Exposure::host_network), pod_with({"10.0.0.7", "2001:DB8::7"}), node_a);
  EXPECT_THAT(found.addresses, ElementsAre("203.0.113.7", "2001:db8::7"));
}

TEST(HostNetworkRelay, IsNotAdvertisedInAFamilyThatItDoesNotHave) {
  auto nodes = node_a;
  nodes["node-a"].external_ips.push_back("2001:db8::1");
  EXPECT_THAT(reach(exposed(Exposure::host_network), pod_with({"10.0.0.7"}), nodes).addresses,
              ElementsAre("203.0.113.7"));
}

TEST(HostNetworkRelay, BelievesTheNodesAnnotationFirst) {
  auto relay = exposed(Exposure::host_network);
  relay.public_address.node_annotation = "example.org/public";
  auto nodes = node_a;
  nodes["node-a"].annotations["example.org/public"] = "198.51.100.1, 2001:db8::99";
  EXPECT_THAT(reach(relay, pod_with({"10.0.0.7", "2001:db8::7"}), nodes).addresses,
              ElementsAre("198.51.100.1", "2001:db8::99"));
  nodes["node-a"].annotations["example.org/public"] = "see the wiki";
  EXPECT_THAT(reach(relay, pod_with({"10.0.0.7"}), nodes).addresses, ElementsAre("203.0.113.7"));
}

TEST(HostNetworkRelay, HasTheFixedAddressOfItsOrdinal) {
  auto relay = exposed(Exposure::host_network);
  relay.public_address.fixed = {"198.51.100.1", "198.51.100.2,2001:db8::2"};
  const auto pod = pod_with({"10.0.0.7", "2001:db8::7"});
  EXPECT_THAT(relay_reach(relay, pod, 0, node_a, nullptr).addresses, ElementsAre("198.51.100.1"));
  EXPECT_THAT(relay_reach(relay, pod, 1, node_a, nullptr).addresses, ElementsAre("198.51.100.2", "2001:db8::2"));
}

TEST(Relay, ServesTheFamiliesThatWereAskedForInThatOrder) {
  auto relay = exposed(Exposure::cluster_ip);
  const auto pod = pod_with({"10.1.0.5", "fd00::5"});
  EXPECT_THAT(reach(relay, pod).addresses, ElementsAre("10.1.0.5", "fd00::5"));
  relay.ip_families = {IpFamily::v6, IpFamily::v4};
  EXPECT_THAT(reach(relay, pod).addresses, ElementsAre("fd00::5", "10.1.0.5"));
  relay.ip_families = {IpFamily::v6};
  EXPECT_THAT(reach(relay, pod).addresses, ElementsAre("fd00::5"));
  EXPECT_EQ(reach(relay, pod).agent, "[fd00::5]:9642");
}

TEST(Relay, IsReachedAtThePortsThatItsPodHasWhileNewOnesAreRolledOut) {
  auto relay = exposed(Exposure::host_network);
  relay.ports.turn = 4000;
  relay.transports = {Transport::udp, Transport::tcp, Transport::tls};
  EXPECT_THAT(reach(relay, pod_with({"10.0.0.7"}, turn_ports)).ports,
              ElementsAre(Pair(Transport::udp, 3478), Pair(Transport::tcp, 3478)));
  EXPECT_THAT(reach(relay, pod_with({"10.0.0.7"})).ports,
              ElementsAre(Pair(Transport::udp, 4000), Pair(Transport::tcp, 4000), Pair(Transport::tls, 5349)));
}

TEST(Relay, IsReachedTheWayItWasMadeWhileAnotherExposureIsRolledOut) {
  auto pod = pod_with({"10.0.0.7"}, turn_ports);
  pod["metadata"]["annotations"]["turnkeeper.io/exposure"] = "HostNetwork";
  const auto found = reach(exposed(Exposure::load_balancer), pod, node_a);
  EXPECT_THAT(found.addresses, ElementsAre("203.0.113.7"))
      << "it would be taken from its clients before there is another";
  EXPECT_THAT(found.ports, ElementsAre(Pair(Transport::udp, 3478), Pair(Transport::tcp, 3478)));
}

TEST(LoadBalancerRelay, IsReachedAtItsServiceOnceThatHasAnAddress) {
  const auto relay = exposed(Exposure::load_balancer);
  const auto pod = pod_with({"10.1.0.5"}, turn_ports);
  EXPECT_THAT(reach(relay, pod).addresses, IsEmpty()) << "clients cannot reach the pod";
  EXPECT_THAT(reach(relay, pod, {}, service(json::array(), service_ports)).addresses, IsEmpty());
  const auto found = reach(relay, pod, {}, service({{{"ip", "198.51.100.4"}}, {{"ip", "2001:db8::4"}}}, service_ports));
  EXPECT_THAT(found.addresses, ElementsAre("198.51.100.4", "2001:db8::4"));
  EXPECT_THAT(found.ports, ElementsAre(Pair(Transport::udp, 3478), Pair(Transport::tcp, 3478)))
      << "the pod does not listen for TLS yet";
  EXPECT_THAT(reach(relay, pod, {}, service({{{"hostname", "lb.example.net"}}}, service_ports)).addresses,
              ElementsAre("lb.example.net"));
}

TEST(LoadBalancerRelay, RelaysFromThePodUnlessItsRelayedPortsArePublishedToo) {
  const auto balanced = service({{{"ip", "198.51.100.4"}}}, service_ports);
  const auto pod = pod_with({"10.1.0.5"}, turn_ports);
  EXPECT_THAT(reach(exposed(Exposure::load_balancer), pod, {}, balanced).relayed, ElementsAre("10.1.0.5"));
  EXPECT_THAT(reach(with_published_ports(), pod, {}, balanced).relayed, ElementsAre("198.51.100.4"));
  const auto named = service({{{"hostname", "lb.example.net"}}}, service_ports);
  EXPECT_THAT(reach(with_published_ports(), pod, {}, named).relayed, ElementsAre("10.1.0.5"))
      << "a name cannot be mapped to";
}

TEST(NodePortRelay, IsReachedAtItsNodeOnThePortsThatKubernetesChose) {
  const auto relay = exposed(Exposure::node_port);
  const auto pod = pod_with({"10.1.0.5"}, turn_ports);
  const auto found = reach(relay, pod, node_a, service(json::array(), service_ports));
  EXPECT_THAT(found.addresses, ElementsAre("203.0.113.7", "2001:db8::7"));
  EXPECT_THAT(found.ports, ElementsAre(Pair(Transport::udp, 30001), Pair(Transport::tcp, 30002)));
  EXPECT_THAT(found.relayed, ElementsAre("10.1.0.5"));
  EXPECT_THAT(reach(relay, pod, node_a).ports, IsEmpty()) << "Kubernetes has chosen none yet";
}

api::TurnCluster cluster_of(const api::RelaySpec& relay) {
  auto cluster = two_regions();
  cluster.spec.regions[0].relay = relay;
  return cluster;
}

PublicAddresses told(const api::RelaySpec& relay, const std::map<std::string, NodeFacts>& nodes,
                     const std::vector<RelayPod>& pods = {}, const std::vector<Placed>& children = {}) {
  const auto cluster = cluster_of(relay);
  return public_addresses(cluster, cluster.spec.regions[0], pods, nodes, children);
}

TEST(PublicAddresses, NameEveryNodeThatARelayMayComeTo) {
  auto relay = exposed(Exposure::host_network);
  relay.node_selector = {{"pool", "turn"}};
  std::map<std::string, NodeFacts> nodes = {
      {"chosen",
       {.external_ips = {"203.0.113.1"}, .internal_ips = {"10.0.0.1", "2001:db8::1"}, .labels = {{"pool", "turn"}}}},
      {"plain", {.internal_ips = {"10.0.0.2"}, .labels = {{"pool", "turn"}}}},
      {"other", {.external_ips = {"203.0.113.3"}, .labels = {{"pool", "web"}}}},
      {"former", {.external_ips = {"203.0.113.4"}, .labels = {{"pool", "web"}}}}};
  RelayPod left_over{.region = "eu", .node = "former"};
  const auto found = told(relay, nodes, {left_over});
  EXPECT_THAT(found.nodes, ElementsAre(Pair("chosen", ElementsAre("203.0.113.1", "2001:db8::1")),
                                       Pair("former", ElementsAre("203.0.113.4"))))
      << "a relay that starts again there would not know its address";
  EXPECT_THAT(found.relays, IsEmpty());
}

TEST(PublicAddresses, NameANodeWithoutAnnotationTooWhenRelaysWaitForThem) {
  auto relay = exposed(Exposure::host_network);
  relay.public_address.node_annotation = "example.org/public";
  EXPECT_THAT(told(relay, {{"node-a", {.internal_ips = {"10.0.0.7"}}}}).nodes,
              ElementsAre(Pair("node-a", ElementsAre("10.0.0.7"))))
      << "its relay would wait for ever";
}

TEST(PublicAddresses, AreThoseOfTheServicesWhereRelayedPortsArePublished) {
  const auto balancer = [](const std::string& name, const std::string& region, const json& ingress) {
    auto object = service(ingress, service_ports);
    object["kind"] = "Service";
    object["metadata"] = {{"name", name}, {"labels", {{"turnkeeper.io/region", region}}}};
    return Placed{"", object};
  };
  const std::vector<Placed> children = {balancer("calls-eu-0", "eu", {{{"ip", "198.51.100.4"}}}),
                                        balancer("calls-eu-1", "eu", json::array()),
                                        balancer("calls-eu-2", "eu", {{{"hostname", "lb.example.net"}}}),
                                        balancer("calls-us-0", "us", {{{"ip", "198.51.100.9"}}})};
  const RelayPod by_name{.pod = "calls-eu-2", .region = "eu", .addresses = {"lb.example.net"}, .relayed = {"10.1.0.6"}};
  EXPECT_THAT(
      told(with_published_ports(), {}, {by_name}, children).relays,
      ElementsAre(Pair("calls-eu-0", ElementsAre("198.51.100.4")), Pair("calls-eu-2", ElementsAre("10.1.0.6"))));
  EXPECT_THAT(told(exposed(Exposure::load_balancer), {}, {}, children).relays, IsEmpty())
      << "relays are not restarted for an address that they do not use";
}

TEST(PublicAddresses, AreTheFixedOnesByPod) {
  auto relay = exposed(Exposure::cluster_ip);
  relay.public_address.fixed = {"198.51.100.1", "198.51.100.2,2001:db8::2"};
  EXPECT_THAT(told(relay, node_a).relays, ElementsAre(Pair("calls-eu-0", ElementsAre("198.51.100.1")),
                                                      Pair("calls-eu-1", ElementsAre("198.51.100.2", "2001:db8::2"))));
}

}  // namespace
}  // namespace turnkeeper::op
