// What the exposure of a region's relays means for their addresses. Pure. The whole picture: docs/exposure.md.
#pragma once

#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

// At most so many relayed ports can be published by a relay's own load balancer: a Service lists each of them.
inline constexpr int most_published_ports = 100;

// Each relay has a Service of its own.
[[nodiscard]] bool has_relay_services(api::Exposure exposure);
// The load balancer passes the relayed ports on too, one by one.
[[nodiscard]] bool publishes_relayed_ports(const api::RelaySpec& relay);
// Relayed addresses are those that clients connect to (coturn's external-ip), because the relayed ports are reachable
// there. Otherwise they are the pod's own.
[[nodiscard]] bool maps_relayed_addresses(const api::RelaySpec& relay);
// What a relay has itself is never right: it starts when its public address is known.
[[nodiscard]] bool waits_for_address(const api::RelaySpec& relay);

}  // namespace turnkeeper::op
