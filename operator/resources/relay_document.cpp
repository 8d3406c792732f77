#include "operator/resources/children.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/api/names.hpp"

namespace turnkeeper::op {

std::string relay_document(const api::TurnCluster& cluster, const api::Region& region) {
  const auto& relay = region.relay;
  auto transports = nlohmann::json::array();
  for (const auto transport : relay.transports) transports.push_back(api::transport_name(transport));
  const nlohmann::json document = {
      {"realm", cluster.spec.realm},
      {"ports", {{"turn", relay.ports.turn}, {"relayMin", relay.ports.relay_min}, {"relayMax", relay.ports.relay_max}}},
      {"limits",
       {{"sessions", relay.limits.sessions},
        {"sessionsPerUser", relay.limits.sessions_per_user},
        {"bitsPerSecondPerSession", relay.limits.bits_per_second_per_session},
        {"bitsPerSecond", relay.limits.bits_per_second}}},
      {"peers", {{"deny", relay.peers.deny}, {"allow", relay.peers.allow}}},
      {"transports", transports}};
  return document.dump(2) + '\n';
}

nlohmann::json config_map(const api::TurnCluster& cluster, const api::Region& region) {
  auto map = child(cluster, &region, "v1", "ConfigMap", region_child_name(cluster, region));
  map["data"] = {{"relay.json", relay_document(cluster, region)}};
  return map;
}

}  // namespace turnkeeper::op
