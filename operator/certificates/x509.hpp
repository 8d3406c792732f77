// X.509 certificates and their keys as PEM (OpenSSL; ECDSA P-256). Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "operator/certificates/issuing.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::op {

struct Identity {
  std::string certificate;  // PEM, one certificate
  Secret key;               // PEM, PKCS #8
};

struct CertificateFacts {
  Validity validity;
  std::vector<std::string> names;  // DNS names, IP addresses and URIs, as they were asked for
};

// An authority that signs itself and may sign end certificates only.
[[nodiscard]] Identity make_authority(const Validity& validity);
// A certificate for a process that is server and client under these names, each a DNS name, an IP address or a URI;
// there must be one at least. Never valid longer than its authority. An error when the authority cannot be read.
[[nodiscard]] Result<Identity> sign(const Identity& authority, const std::vector<std::string>& names,
                                    Validity validity);

// Of the first certificate in the PEM text.
[[nodiscard]] Result<CertificateFacts> read_certificate(const std::string& pem);
[[nodiscard]] bool key_fits(const Identity& identity);
[[nodiscard]] bool is_signed_by(const std::string& certificate, const std::string& authority);

}  // namespace turnkeeper::op
