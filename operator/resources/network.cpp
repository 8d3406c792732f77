#include "operator/resources/children.hpp"
#include "operator/resources/exposure.hpp"
#include "operator/resources/names.hpp"
#include "operator/resources/transport_port.hpp"
#include "turnkeeper/api/bounds.hpp"
#include "turnkeeper/api/names.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

json service_port(const std::string& name, const char* protocol, int port, json target) {
  return {{"name", name}, {"protocol", protocol}, {"port", port}, {"targetPort", std::move(target)}};
}

json turn_ports(const api::RelaySpec& relay) {
  auto ports = json::array();
  for (const auto transport : relay.transports) {
    const auto port = transport_port(transport, relay.ports);
    ports.push_back(service_port(port.name, port.protocol, port.number, port.name));
  }
  return ports;
}

}  // namespace

json service(const api::TurnCluster& cluster, const api::Region& region) {
  auto ports = turn_ports(region.relay);
  ports.push_back(service_port("agent", "TCP", api::bounds::agent_port, "agent"));
  auto service = child(cluster, &region, "v1", "Service", region_child_name(cluster, region));
  service["spec"] = {{"clusterIP", "None"},
                     {"ipFamilyPolicy", "PreferDualStack"},
                     {"selector", selector(cluster, region)["matchLabels"]},
                     {"ports", ports}};
  return service;
}

json relay_service(const api::TurnCluster& cluster, const api::Region& region, int ordinal) {
  const auto& relay = region.relay;
  const auto name = relay_service_name(cluster, region, ordinal);
  auto ports = turn_ports(relay);
  if (publishes_relayed_ports(relay)) {
    for (int port = relay.ports.relay_min; port <= relay.ports.relay_max; ++port) {
      ports.push_back(service_port("relay-" + std::to_string(port), "UDP", port, port));
    }
  }
  auto service = child(cluster, &region, "v1", "Service", name);
  service["spec"] = {
      {"type", relay.exposure == api::Exposure::load_balancer ? "LoadBalancer" : "NodePort"},
      // Neither a second hop nor a changed source address: coturn's quotas and the clients' permissions go by it.
      {"externalTrafficPolicy", "Local"},
      // A relay that drains is not ready, and the calls that it still carries come through here.
      {"publishNotReadyAddresses", true},
      {"selector", {{"statefulset.kubernetes.io/pod-name", name}}},
      {"ports", std::move(ports)}};
  auto& spec = service["spec"];
  if (relay.ip_families.empty()) {
    spec["ipFamilyPolicy"] = "PreferDualStack";
  } else {
    spec["ipFamilyPolicy"] = relay.ip_families.size() > 1 ? "RequireDualStack" : "SingleStack";
    for (const auto family : relay.ip_families) spec["ipFamilies"].push_back(api::ip_family_name(family));
  }
  return service;
}

json disruption_budget(const api::TurnCluster& cluster, const api::Region& region) {
  auto budget = child(cluster, &region, "policy/v1", "PodDisruptionBudget", region_child_name(cluster, region));
  // A relay that is not ready carries no new calls: it must not hold up the node that somebody wants to repair.
  budget["spec"] = {
      {"maxUnavailable", 1}, {"unhealthyPodEvictionPolicy", "AlwaysAllow"}, {"selector", selector(cluster, region)}};
  return budget;
}

json network_policy(const api::TurnCluster& cluster, const api::Region& region) {
  const auto& relay = region.relay;
  auto ports = json::array();
  for (const auto transport : relay.transports) {
    const auto port = transport_port(transport, relay.ports);
    ports.push_back({{"protocol", port.protocol}, {"port", port.name}});
  }
  ports.push_back({{"protocol", "UDP"}, {"port", relay.ports.relay_min}, {"endPort", relay.ports.relay_max}});
  // The kubelet's probes come from the pod's own node, which no policy keeps out.
  const json monitors = {{"namespaceSelector", json::object()},
                         {"podSelector", {{"matchLabels", {{agent_client_label, "true"}}}}}};
  auto policy = child(cluster, &region, "networking.k8s.io/v1", "NetworkPolicy", region_child_name(cluster, region));
  policy["spec"] = {{"podSelector", selector(cluster, region)},
                    {"policyTypes", {"Ingress", "Egress"}},
                    {"ingress",
                     {{{"ports", ports}},
                      {{"from", {monitors}}, {"ports", {{{"protocol", "TCP"}, {"port", api::bounds::agent_port}}}}}}},
                    {"egress", {json::object()}}};  // peers are anywhere; coturn's deny list is what limits them
  return policy;
}

}  // namespace turnkeeper::op
