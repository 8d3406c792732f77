#include "operator/resources/exposure.hpp"

namespace turnkeeper::op {

bool has_relay_services(api::Exposure exposure) {
  return exposure == api::Exposure::load_balancer || exposure == api::Exposure::node_port;
}

bool publishes_relayed_ports(const api::RelaySpec& relay) {
  return relay.exposure == api::Exposure::load_balancer &&
         relay.ports.relay_max - relay.ports.relay_min < most_published_ports;
}

bool maps_relayed_addresses(const api::RelaySpec& relay) {
  return relay.exposure == api::Exposure::host_network || publishes_relayed_ports(relay) ||
         !relay.public_address.fixed.empty();
}

bool waits_for_address(const api::RelaySpec& relay) {
  return publishes_relayed_ports(relay) || !relay.public_address.fixed.empty() ||
         (relay.exposure == api::Exposure::host_network && !relay.public_address.node_annotation.empty());
}

}  // namespace turnkeeper::op
