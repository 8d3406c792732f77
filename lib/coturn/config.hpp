// turnserver.conf for one relay, hardened, in the words of the coturn version that will read it. Pure.
//
//   Settings settings{.realm = "turn.example.org", .address = "203.0.113.7", .database = "/var/lib/turnkeeper/turndb"};
//   auto text = render(settings, *version);
//
// What it decides:
//   - Credentials: only the time-limited ones of the TURN REST API, whose secrets are in the database (turndb.hpp).
//   Never
//     a static secret: no signal makes coturn read it again, and with both coturn 4.10+ looks secrets up on its relay
//     thread.
//   - No management: no telnet or web admin, no statistics database.
//   - Peers: deny_list.hpp. The relay's own address stays reachable, on any UDP port: do not run UDP services that must
//   be
//     kept from TURN users on the address of a relay.
//   - No transport but UDP and TCP to clients, and UDP to peers (no RFC 6062).
//   - The log goes to stdout.
#pragma once

#include <string>
#include <vector>

#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/coturn/version.hpp"

namespace turnkeeper::coturn {

struct Settings {
  std::string realm;
  std::string address;         // a literal on this machine: listens there, and relays from there
  std::string public_address;  // a literal, when a one-to-one NAT gives `address` another one outside; empty: none
  api::Ports ports;
  api::Limits limits;  // bits per second are rounded down to whole bytes; 0 means no limit
  api::Peers peers;
  std::vector<api::Transport> transports = {api::Transport::udp, api::Transport::tcp};
  std::string database;  // path of the sqlite file
  std::string pid_file;  // path; coturn's default needs rights that a relay should not have
};

// An error names the setting that is wrong.
[[nodiscard]] Result<std::string> render(const Settings& settings, Version version);

}  // namespace turnkeeper::coturn
