// relay.json: what the operator asks of the relays of a region. Every field but realm may be left out.
//
//   {"realm": "turn.example.org",
//    "ports": {"turn": 3478, "turns": 5349, "relayMin": 49152, "relayMax": 65535},
//    "limits": {"sessions": 2000, "sessionsPerUser": 20, "bitsPerSecondPerSession": 3000000, "bitsPerSecond": 0},
//    "peers": {"deny": [], "allow": []},
//    "transports": ["UDP", "TCP", "TLS", "DTLS"],
//    "addressFrom": "map", "waitForAddress": true,
//    "ipFamilies": ["IPv4", "IPv6"]}
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::agent {

struct RelayConfig {
  std::string realm;
  api::Ports ports;
  api::Limits limits;
  api::Peers peers;
  std::vector<api::Transport> transports = {api::Transport::udp, api::Transport::tcp};
  // "pod": clients reach the relay at the addresses it has itself. "map": at those that addresses.json names.
  enum class AddressFrom { pod, map };
  AddressFrom address_from = AddressFrom::pod;
  bool wait_for_address = false;           // do not start before addresses.json names this relay
  std::vector<api::IpFamily> ip_families;  // empty: all that the relay has
};

// Strict: a field that is not known, or not of its type or range, is an error that names it.
[[nodiscard]] Result<RelayConfig> parse_relay_config(std::string_view json);

}  // namespace turnkeeper::agent
