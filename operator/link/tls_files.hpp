// The certificates of our own gRPC links, as files that cert-manager or the operator may renew in place.
#pragma once

#include <string>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::op {

struct TlsFiles {
  std::string certificate;  // PEM chain
  std::string key;
  std::string authority;  // of the clients
};

// Checks that all three can be read and belong together, so that a mistake is said at the start and not as a handshake
// that fails later.
[[nodiscard]] Result<> check_tls_files(const TlsFiles& files);

}  // namespace turnkeeper::op
