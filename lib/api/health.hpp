// The words for a relay's health, shared by the monitor that judges, the operator that writes status and the CLI that
// shows it.
#pragma once

#include <string>
#include <string_view>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::api {

// What all fresh observations of a relay together say.
//   healthy    proven by a real allocation
//   degraded   works, but worse than policy allows, or one vantage sees it fail
//   unhealthy  clients must not be sent there
//   draining   refuses new allocations on purpose; existing ones go on
//   unknown    nothing fresh is known
enum class Verdict { healthy, degraded, unhealthy, draining, unknown };

// Why a probe, a canary or a relay failed. The text form (cause_name) is what metrics, alerts, status and runbook
// anchors use.
enum class Cause {
  none,
  dns,                    // the relay's name does not resolve
  connect_refused,        // a closed port: ICMP port unreachable, or a TCP reset
  unreachable,            // no route to the relay, or something on the way says so
  connect_timeout,        // nothing at all is answered
  tls_handshake,          // TLS or DTLS came to no connection, for another reason than the certificate
  cert_expired,           // the relay's certificate is not valid at this time
  cert_name,              // ... is for other names
  cert_untrusted,         // ... is signed by nobody whom the monitor trusts
  auth_secret,            // 401 to good credentials: the relay does not know the signing key
  auth_clock,             // 401 to good credentials: the relay's clock and ours differ by more than they last
  auth_database,          // 401 to every credential, those that worked before too: its database does not answer
  stale_nonce_loop,       // 438 again and again
  draining,               // 403 to Allocate
  peer_denied,            // 403 to ChannelBind: the deny list covers the relay's own address
  family_unsupported,     // 440: no relayed addresses of this family
  transport_unsupported,  // 442, or a TURN server that speaks no TURN on this transport
  quota,                  // 486
  ports_exhausted,        // 508
  redirected,             // 300
  allocate_timeout,       // Binding or the challenge is answered, Allocate is not
  restarted,              // the relay forgot its allocations: it works, but every call on it was cut
  data_path,              // the allocation stands, the echo does not come back
  wrong_public_address,   // the relayed address is not the one that clients can reach
  ssrf_open,              // it relays to addresses that lead into its own network
  old_key_accepted,       // a signing key that was removed still works
  expired_accepted,       // a user name whose time is over still works
  protocol,               // answers that RFC 8489 and 8656 do not allow
  internal,               // the prober's own failure: no socket, no memory
};

[[nodiscard]] std::string_view verdict_name(Verdict verdict);  // "Healthy", "Degraded", ...
[[nodiscard]] Result<Verdict> parse_verdict(std::string_view name);
[[nodiscard]] std::string_view cause_name(Cause cause);  // "auth-secret", ...; "" for none
[[nodiscard]] Result<Cause> parse_cause(std::string_view name);
// One line: what an operator of the relay should look at next. "" for none.
[[nodiscard]] std::string_view cause_advice(Cause cause);
// "docs/runbook.md#auth-secret", relative to the project; "" for none.
[[nodiscard]] std::string runbook_anchor(Cause cause);

}  // namespace turnkeeper::api
