// Transport over cpprestsdk, HTTP/1.1 and TLS 1.2 or later. The only file of the project that includes that library is
// cpprest_transport.cpp; the first transport of a process also sets the size of its thread pool and takes the
// system's certificate authorities away from OpenSSL's defaults (SSL_CERT_FILE): here they are used where a kubeconfig
// gives none, and elsewhere in such a process name the file.
#pragma once

#include <memory>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/kube/config.hpp"
#include "turnkeeper/kube/transport.hpp"

namespace turnkeeper::kube {

// An error when the certificates or the URL in `config` make no sense; the server is not contacted. `clock` must
// outlive the transport. Certificate authorities that were read from a file are read again for each new connection.
[[nodiscard]] turnkeeper::Result<std::shared_ptr<Transport>> connect(const Config& config, const Clock& clock);

}  // namespace turnkeeper::kube
