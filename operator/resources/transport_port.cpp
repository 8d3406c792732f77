#include "operator/resources/transport_port.hpp"

#include <algorithm>

namespace turnkeeper::op {

TransportPort transport_port(api::Transport transport, const api::Ports& ports) {
  switch (transport) {
    case api::Transport::udp:
      return {"turn-udp", "UDP", ports.turn};
    case api::Transport::tcp:
      return {"turn-tcp", "TCP", ports.turn};
    case api::Transport::tls:
      return {"turns-tcp", "TCP", ports.turns};
    case api::Transport::dtls:
      break;
  }
  return {"turns-udp", "UDP", ports.turns};
}

bool has_privileged_port(const api::RelaySpec& relay) {
  return std::ranges::any_of(
      relay.transports, [&](api::Transport transport) { return transport_port(transport, relay.ports).number < 1024; });
}

bool offers_tls(const api::RelaySpec& relay) {
  return std::ranges::any_of(relay.transports, [](api::Transport transport) {
    return transport == api::Transport::tls || transport == api::Transport::dtls;
  });
}

}  // namespace turnkeeper::op
