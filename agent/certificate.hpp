// The relay's certificate and its key, looked at before coturn is given them: coturn would go on with whatever half of
// a bad pair it could read.
#pragma once

#include <string>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::agent {

struct Certificate {
  Secret pem;          // the chain and the key as one document, so that one file can hold both and change in one step
  std::string serial;  // lower-case hexadecimal, two digits for each byte
  SystemTime not_before;
  SystemTime not_after;
};

// Errors: one of the two is not PEM or is locked by a password; the key is not the first certificate's; the key is so
// weak that TLS libraries refuse it. Dates are not judged: an expired certificate may be all there is. Pure.
[[nodiscard]] Result<Certificate> check_certificate(const std::string& chain_pem, const Secret& key_pem);

// tls.crt and tls.key of a mounted Secret. An error names the file.
[[nodiscard]] Result<Certificate> read_certificate(const std::string& directory);

}  // namespace turnkeeper::agent
