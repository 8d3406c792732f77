#include "operator/resources/children.hpp"
#include "operator/resources/exposure.hpp"
#include "operator/resources/names.hpp"
#include "operator/resources/transport_port.hpp"
#include "turnkeeper/api/names.hpp"

namespace turnkeeper::op {

std::string relay_document(const api::TurnCluster& cluster, const api::Region& region) {
  const auto& relay = region.relay;
  auto transports = nlohmann::json::array();
  for (const auto transport : relay.transports) transports.push_back(api::transport_name(transport));
  nlohmann::json document = {
      {"realm", cluster.spec.realm},
      {"ports", {{"turn", relay.ports.turn}, {"relayMin", relay.ports.relay_min}, {"relayMax", relay.ports.relay_max}}},
      {"limits",
       {{"sessions", relay.limits.sessions},
        {"sessionsPerUser", relay.limits.sessions_per_user},
        {"bitsPerSecondPerSession", relay.limits.bits_per_second_per_session},
        {"bitsPerSecond", relay.limits.bits_per_second}}},
      {"peers", {{"deny", relay.peers.deny}, {"allow", relay.peers.allow}}},
      {"transports", transports},
      {"addressFrom", maps_relayed_addresses(relay) ? "map" : "pod"}};
  // What says nothing to these relays is left out: a change of it must not roll them.
  if (offers_tls(relay)) document["ports"]["turns"] = relay.ports.turns;
  if (waits_for_address(relay)) document["waitForAddress"] = true;
  for (const auto family : relay.ip_families) document["ipFamilies"].push_back(api::ip_family_name(family));
  return document.dump(2) + '\n';
}

std::string addresses_document(const PublicAddresses& addresses) {
  nlohmann::json document = {{"nodes", addresses.nodes}, {"relays", addresses.relays}};
  if (addresses.bits_per_second_per_session) {
    document["bitsPerSecondPerSession"] = *addresses.bits_per_second_per_session;
  }
  return document.dump(2) + '\n';
}

nlohmann::json config_map(const api::TurnCluster& cluster, const api::Region& region,
                          const PublicAddresses& addresses) {
  auto map = child(cluster, &region, "v1", "ConfigMap", region_child_name(cluster, region));
  map["data"] = {{"relay.json", relay_document(cluster, region)}, {"addresses.json", addresses_document(addresses)}};
  return map;
}

}  // namespace turnkeeper::op
