// turnserver.conf for one relay, hardened, in the words of the coturn version that will read it. Pure.
//
//   Settings settings{.realm = "turn.example.org",
//                     .addresses = {{"10.0.0.7", "203.0.113.7"}, {"2001:db8::7"}},
//                     .database = "/var/lib/turnkeeper/turndb",
//                     .pid_file = "/var/lib/turnkeeper/turnserver.pid"};
//   auto text = render(settings, *version);
//
// What it decides:
//   - Credentials: only the time-limited ones of the TURN REST API, whose secrets are in the database (turndb.hpp).
//     Never a static secret: no signal makes coturn read it again, and with both coturn 4.10+ looks secrets up on its
//     relay thread.
//   - No management: no telnet or web admin, no statistics database.
//   - Peers: deny_list.hpp. The relay's own addresses stay reachable, on any UDP port: do not run UDP services that
//     must be kept from TURN users on the address of a relay.
//   - UDP to peers only (no RFC 6062).
//   - TLS and DTLS from 1.2 on, with ephemeral keys and authenticated encryption only. SIGUSR2 makes coturn read the
//     certificate again.
//   - A client that asks for no address family gets IPv4 (RFC 8656) from a relay that has it.
//   - The log goes to stdout.
#pragma once

#include <string>
#include <vector>

#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/coturn/version.hpp"

namespace turnkeeper::coturn {

// Where a relay listens and relays from.
struct OwnAddress {
  std::string address;         // a literal on this machine
  std::string public_address;  // a literal, when a one-to-one NAT gives `address` another one outside; empty: none
  bool operator==(const OwnAddress&) const = default;
};

// Paths of PEM files: the certificate with its chain, and its private key without a password.
struct TlsFiles {
  std::string certificate;
  std::string key;
};

struct Settings {
  std::string realm;
  std::vector<OwnAddress> addresses;  // one, or one of each family
  api::Ports ports;                   // `turns` counts only with TLS or DTLS
  api::Limits limits;                 // bits per second are rounded down to whole bytes; 0 means no limit
  api::Peers peers;
  std::vector<api::Transport> transports = {api::Transport::udp, api::Transport::tcp};
  TlsFiles tls;          // needed for TLS and DTLS
  std::string database;  // path of the sqlite file
  std::string pid_file;  // path; coturn's default needs rights that a relay should not have
};

[[nodiscard]] bool offers(const Settings& settings, api::Transport transport);
// TLS or DTLS.
[[nodiscard]] bool offers_encryption(const Settings& settings);

// An error names the setting that is wrong.
[[nodiscard]] Result<std::string> render(const Settings& settings, Version version);

}  // namespace turnkeeper::coturn
