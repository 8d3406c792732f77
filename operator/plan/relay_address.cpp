#include "operator/plan/relay_address.hpp"

#include <algorithm>

#include "operator/plan/json_member.hpp"
#include "operator/resources/exposure.hpp"
#include "operator/resources/names.hpp"
#include "operator/resources/transport_port.hpp"
#include "turnkeeper/api/bounds.hpp"
#include "turnkeeper/api/names.hpp"
#include "turnkeeper/api/text_forms.hpp"
#include "turnkeeper/base/address_range.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using Addresses = std::vector<std::string>;

// The name of a load balancer, in the place of addresses.
bool is_name(const Addresses& addresses) {
  return addresses.size() == 1 && !parse_address(addresses.front());
}

std::uint16_t port_number(const json& value) {
  const auto number = value.is_number_integer() ? value.get<std::int64_t>() : 0;
  return number > 0 && number < 65536 ? static_cast<std::uint16_t>(number) : std::uint16_t{0};
}

api::IpFamily family_of(const std::string& literal) {
  return literal.find(':') == std::string::npos ? api::IpFamily::v4 : api::IpFamily::v6;
}

const std::string* of_family(const Addresses& addresses, api::IpFamily family) {
  const auto found =
      std::ranges::find_if(addresses, [&](const std::string& address) { return family_of(address) == family; });
  return found == addresses.end() ? nullptr : &*found;
}

// The first literal of each family, in canonical form; no names.
Addresses one_of_each(const Addresses& addresses) {
  Addresses out;
  for (const auto& address : addresses) {
    const auto literal = parse_address(address);
    if (literal && of_family(out, family_of(address)) == nullptr) out.push_back(literal->text());
  }
  return out;
}

// Those that were asked for, in that order.
Addresses of_families(const std::vector<api::IpFamily>& families, Addresses addresses) {
  if (families.empty()) return addresses;
  Addresses out;
  for (const auto family : families) {
    if (const auto* address = of_family(addresses, family)) out.push_back(*address);
  }
  return out;
}

Addresses own_addresses(const api::RelaySpec& relay, const json& pod) {
  const auto& status = at(pod, "status");
  Addresses own;
  for (const auto& entry : at(status, "podIPs")) own.push_back(text(at(entry, "ip")));
  if (own.empty()) own.push_back(text(at(status, "podIP")));
  return of_families(relay.ip_families, one_of_each(own));
}

Addresses fixed_addresses(const api::RelaySpec& relay, int ordinal) {
  const auto& fixed = relay.public_address.fixed;
  if (ordinal < 0 || static_cast<std::size_t>(ordinal) >= fixed.size()) return {};
  return of_families(relay.ip_families,
                     one_of_each(api::addresses_of(fixed[static_cast<std::size_t>(ordinal)]).value_or(Addresses{})));
}

// What a node says of itself to the outside: by the annotation, else its ExternalIPs.
Addresses outside_of(const api::RelaySpec& relay, const NodeFacts& node) {
  const auto annotation = node.annotations.find(relay.public_address.node_annotation);
  if (annotation != node.annotations.end()) {
    if (auto addresses = api::addresses_of(annotation->second)) return *addresses;
  }
  return node.external_ips;
}

// Of each family the first, from `others` where `outside` has none.
Addresses completed(const api::RelaySpec& relay, Addresses outside, const Addresses& others) {
  outside.insert(outside.end(), others.begin(), others.end());
  return of_families(relay.ip_families, one_of_each(outside));
}

const NodeFacts& node_of(const json& pod, const std::map<std::string, NodeFacts>& nodes) {
  static const NodeFacts unknown;
  const auto node = nodes.find(text(at(at(pod, "spec"), "nodeName")));
  return node == nodes.end() ? unknown : node->second;
}

// What the relay's own addresses are outside. It does not serve a family that has nothing there.
Addresses behind(const Addresses& own, const Addresses& outside) {
  Addresses out;
  for (const auto& address : own) {
    if (const auto* other = of_family(outside, family_of(address))) out.push_back(*other);
  }
  return out;
}

Addresses balancer_addresses(const api::RelaySpec& relay, const json& relay_service) {
  Addresses literals;
  std::string name;
  for (const auto& ingress : at(at(at(relay_service, "status"), "loadBalancer"), "ingress")) {
    literals.push_back(text(at(ingress, "ip")));
    if (name.empty()) name = text(at(ingress, "hostname"));
  }
  literals = of_families(relay.ip_families, one_of_each(literals));
  if (literals.empty() && !name.empty()) return {name};
  return literals;
}

// Those that the pod listens on; as the spec says for a pod that does not tell.
std::map<api::Transport, std::uint16_t> pod_ports(const api::RelaySpec& relay, const json& pod) {
  std::map<std::string, std::uint16_t> by_name;
  for (const auto& container : at(at(pod, "spec"), "containers")) {
    for (const auto& port : at(container, "ports"))
      by_name[text(at(port, "name"))] = port_number(at(port, "containerPort"));
  }
  std::map<api::Transport, std::uint16_t> ports;
  for (const auto transport : {api::Transport::udp, api::Transport::tcp, api::Transport::tls, api::Transport::dtls}) {
    const auto found = by_name.find(transport_port(transport, relay.ports).name);
    if (found != by_name.end() && found->second != 0) ports[transport] = found->second;
  }
  if (!ports.empty()) return ports;
  for (const auto transport : relay.transports) ports[transport] = transport_port(transport, relay.ports).number;
  return ports;
}

// Where the Service offers what the pod listens on.
std::map<api::Transport, std::uint16_t> service_ports(const api::RelaySpec& relay,
                                                      const std::map<api::Transport, std::uint16_t>& behind,
                                                      const json& relay_service) {
  const char* number = relay.exposure == api::Exposure::node_port ? "nodePort" : "port";
  std::map<api::Transport, std::uint16_t> ports;
  for (const auto& [transport, ignored] : behind) {
    for (const auto& port : at(at(relay_service, "spec"), "ports")) {
      if (text(at(port, "name")) != transport_port(transport, relay.ports).name) continue;
      if (const auto found = port_number(at(port, number)); found != 0) ports[transport] = found;
    }
  }
  return ports;
}

std::string agent_of(const Addresses& own) {
  if (own.empty()) return {};
  const bool v6 = family_of(own.front()) == api::IpFamily::v6;
  return (v6 ? '[' + own.front() + ']' : own.front()) + ':' + std::to_string(api::bounds::agent_port);
}

bool selects(const std::map<std::string, std::string>& selector, const NodeFacts& node) {
  return std::ranges::all_of(selector, [&](const auto& wanted) {
    const auto label = node.labels.find(wanted.first);
    return label != node.labels.end() && label->second == wanted.second;
  });
}

}  // namespace

api::Exposure exposure_of(const json& pod, const api::RelaySpec& relay) {
  const auto name = text(at(at(at(pod, "metadata"), "annotations"), exposure_annotation));
  for (const auto& [known, exposure] : api::exposure_names) {
    if (known == name) return exposure;
  }
  // Made by an older operator, which knew two.
  return at(at(pod, "spec"), "hostNetwork") == true ? api::Exposure::host_network : relay.exposure;
}

RelayReach relay_reach(const api::RelaySpec& spec, const json& pod, int ordinal,
                       const std::map<std::string, NodeFacts>& nodes, const json& relay_service) {
  auto relay = spec;
  relay.exposure = exposure_of(pod, spec);
  const auto own = own_addresses(relay, pod);
  const auto& node = node_of(pod, nodes);
  RelayReach reach{.addresses = {}, .relayed = own, .ports = pod_ports(relay, pod), .agent = agent_of(own)};
  auto& addresses = reach.addresses;
  if (!relay.public_address.fixed.empty()) {
    addresses = fixed_addresses(relay, ordinal);
  } else if (relay.exposure == api::Exposure::load_balancer) {
    addresses = balancer_addresses(relay, relay_service);
  } else if (relay.exposure == api::Exposure::cluster_ip) {
    addresses = own;
  } else {
    const bool on_node = relay.exposure == api::Exposure::host_network;
    addresses = completed(relay, outside_of(relay, node), on_node ? own : node.internal_ips);
  }
  // A load balancer that has no address but a name leaves the relay with its own.
  if (maps_relayed_addresses(relay) && !is_name(addresses)) reach.relayed = addresses = behind(own, addresses);
  if (has_relay_services(relay.exposure)) reach.ports = service_ports(relay, reach.ports, relay_service);
  return reach;
}

PublicAddresses public_addresses(const api::TurnCluster& cluster, const api::Region& region,
                                 const std::vector<RelayPod>& pods, const std::map<std::string, NodeFacts>& nodes,
                                 const std::vector<Placed>& children) {
  const auto& relay = region.relay;
  PublicAddresses out;
  if (!relay.public_address.fixed.empty()) {
    for (int ordinal = 0; static_cast<std::size_t>(ordinal) < relay.public_address.fixed.size(); ++ordinal) {
      out.relays[relay_service_name(cluster, region, ordinal)] = fixed_addresses(relay, ordinal);
    }
  } else if (publishes_relayed_ports(relay)) {
    for (const auto& [site, object] : children) {
      const auto& metadata = at(object, "metadata");
      if (site != site_of(region) || text(at(object, "kind")) != "Service") continue;
      if (text(at(at(metadata, "labels"), region_label)) != region.name) continue;
      const auto addresses = balancer_addresses(relay, object);
      if (!addresses.empty() && !is_name(addresses)) out.relays[text(at(metadata, "name"))] = addresses;
    }
    for (const auto& pod : pods) {
      const bool by_name = pod.region == region.name && is_name(pod.addresses);
      if (by_name && !pod.relayed.empty()) out.relays[pod.pod] = pod.relayed;
    }
  } else if (relay.exposure == api::Exposure::host_network) {
    for (const auto& [name, node] : nodes) {
      // Relays run on where a changed selector would not put them any more.
      const bool has_relay =
          std::ranges::any_of(pods, [&](const RelayPod& pod) { return pod.region == region.name && pod.node == name; });
      if (!has_relay && !selects(relay.node_selector, node)) continue;
      const auto outside = outside_of(relay, node);
      // There is nothing to say of a node that is reached at the addresses it has, unless its relay waits to hear it.
      if (outside.empty() && !waits_for_address(relay)) continue;
      auto addresses = completed(relay, outside, node.internal_ips);
      if (!addresses.empty()) out.nodes[name] = std::move(addresses);
    }
  }
  return out;
}

}  // namespace turnkeeper::op
