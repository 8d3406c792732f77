#include "operator/resources/children.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/api/bounds.hpp"
#include "turnkeeper/api/names.hpp"

namespace turnkeeper::op {

nlohmann::json service(const api::TurnCluster& cluster, const api::Region& region) {
  auto ports = nlohmann::json::array();
  for (const auto transport : region.relay.transports) {
    ports.push_back({{"name", transport == api::Transport::udp ? "turn-udp" : "turn-tcp"},
                     {"protocol", api::transport_name(transport)},
                     {"port", region.relay.ports.turn},
                     {"targetPort", region.relay.ports.turn}});
  }
  ports.push_back({{"name", "agent"},
                   {"protocol", "TCP"},
                   {"port", api::bounds::agent_port},
                   {"targetPort", api::bounds::agent_port}});
  auto service = child(cluster, &region, "v1", "Service", region_child_name(cluster, region));
  service["spec"] = {{"clusterIP", "None"},
                     {"publishNotReadyAddresses", true},
                     {"selector", selector(cluster, region)["matchLabels"]},
                     {"ports", ports}};
  return service;
}

nlohmann::json disruption_budget(const api::TurnCluster& cluster, const api::Region& region) {
  auto budget = child(cluster, &region, "policy/v1", "PodDisruptionBudget", region_child_name(cluster, region));
  budget["spec"] = {{"maxUnavailable", 1}, {"selector", selector(cluster, region)}};
  return budget;
}

nlohmann::json network_policy(const api::TurnCluster& cluster, const api::Region& region) {
  const auto& relay_ports = region.relay.ports;
  auto ports = nlohmann::json::array();
  for (const auto transport : region.relay.transports) {
    ports.push_back({{"protocol", api::transport_name(transport)}, {"port", relay_ports.turn}});
  }
  ports.push_back({{"protocol", "UDP"}, {"port", relay_ports.relay_min}, {"endPort", relay_ports.relay_max}});
  ports.push_back({{"protocol", "TCP"}, {"port", api::bounds::agent_port}});
  auto policy = child(cluster, &region, "networking.k8s.io/v1", "NetworkPolicy", region_child_name(cluster, region));
  policy["spec"] = {
      {"podSelector", selector(cluster, region)},
      {"policyTypes", {"Ingress", "Egress"}},
      {"ingress", {{{"ports", ports}}}},
      {"egress", {nlohmann::json::object()}}};  // peers are anywhere; coturn's deny list is what limits them
  return policy;
}

}  // namespace turnkeeper::op
