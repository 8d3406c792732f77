// The TLS side of a Config: whom to trust, and who we are.
#pragma once

#include <boost/asio/ssl/context.hpp>

#include "turnkeeper/kube/config.hpp"

namespace turnkeeper::kube {

// TLS 1.2 or later. Certificate authorities that were read from a file are read again. Throws
// boost::system::system_error with OpenSSL's reason when a certificate or key makes no sense.
[[nodiscard]] boost::asio::ssl::context tls_context(const Config& config);

}  // namespace turnkeeper::kube
