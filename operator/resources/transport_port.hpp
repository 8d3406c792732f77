// How a relay's listening ports appear in Kubernetes: in pods, Services and NetworkPolicies alike. Pure.
//
// Services and NetworkPolicies name a relay's ports rather than number them: while a new number is rolled out, each pod
// is reached at the one that it has.
#pragma once

#include <string>

#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

struct TransportPort {
  const char* name;      // "turn-udp", "turn-tcp", "turns-tcp" (TLS) or "turns-udp" (DTLS)
  const char* protocol;  // "UDP" or "TCP"
  std::uint16_t number;  // as `ports` says
};

[[nodiscard]] TransportPort transport_port(api::Transport transport, const api::Ports& ports);
// Does it listen below 1024, which takes a privilege?
[[nodiscard]] bool has_privileged_port(const api::RelaySpec& relay);
// Does it listen on ports.turns?
[[nodiscard]] bool offers_tls(const api::RelaySpec& relay);

}  // namespace turnkeeper::op
