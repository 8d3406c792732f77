// TLS and DTLS as a TURN client uses them: whom to trust, and sessions to resume. One context serves any number of
// connections to any number of servers.
//
//   auto tls = make_tls_context({.ca_file = "/etc/turnkeeper/ca.pem"});
//   if (!tls) return fail(tls.error());
//   connect(executor, endpoint, {.tls = *tls, .server_name = "turn.example.org", .deadline = deadline}, done);
//
// At least (D)TLS 1.2. ALPN offers "stun.turn" (RFC 7443). A context may be shared by threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::turn {

class TlsContext;

struct TlsOptions {
  std::string ca_file;  // PEM; empty: the system's store
  bool verify = true;   // false: any certificate will do, and is still told
  // Keep sessions (4096 at most, each for 10 minutes at most, so that a full handshake looks at the certificate again)
  // and offer them to the same server next time.
  bool resume = true;
  bool operator==(const TlsOptions&) const = default;
};

// An error when ca_file cannot be read or holds no certificate.
[[nodiscard]] Result<std::shared_ptr<TlsContext>> make_tls_context(const TlsOptions& options);

// What a server showed of itself. Texts are as the certificate has them: print them with care.
struct PeerCertificate {
  SystemTime not_before;
  SystemTime not_after;
  std::string subject;             // RFC 2253, "CN=turn.example.org,O=..."
  std::string issuer;              // the same
  std::string serial;              // lower-case hexadecimal, two digits for each byte
  std::vector<std::string> names;  // subjectAltName: DNS names and IP addresses, at most 64
};

}  // namespace turnkeeper::turn
