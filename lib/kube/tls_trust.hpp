// The TLS side of a Config: whom to trust, and who we are.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "turnkeeper/kube/config.hpp"

namespace turnkeeper::kube {

// Thread-safe.
class TlsTrust {
 public:
  explicit TlsTrust(const Config& config) : config_(config) {}

  // TLS 1.2 or later; the same one for all connections, since decoding a key costs as much as a handshake. Certificate
  // authorities that come from a file are read again, and another one is made when they have changed. Throws
  // boost::system::system_error with OpenSSL's reason when a certificate or key makes no sense.
  [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> context();

 private:
  const Config config_;
  std::mutex mutex_;
  std::string ca_;
  std::shared_ptr<boost::asio::ssl::context> made_;
};

}  // namespace turnkeeper::kube
