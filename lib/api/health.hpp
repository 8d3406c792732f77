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
  dns,               // the relay's name does not resolve
  connect,           // refused or unreachable
  auth_secret,       // 401 to good credentials: the relay does not know the signing key
  stale_nonce,       // 438 again and again
  draining,          // 403 to Allocate
  peer_denied,       // 403 to ChannelBind: the deny list covers the relay's own address
  quota,             // 486
  ports_exhausted,   // 508
  redirected,        // 300
  allocate_timeout,  // Binding or nothing is answered, Allocate is not
  timeout,           // nothing at all is answered
  restarted,         // the relay forgot its allocations: it works, but every call on it was cut
  data_path,         // the allocation stands, the echo does not come back
  protocol,          // answers that RFC 8489 and 8656 do not allow
  internal,          // the prober's own failure: no socket, no memory
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
