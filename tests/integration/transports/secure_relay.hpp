// A real coturn on the loopback addresses of both families, with all four transports, for one test.
#pragma once

#include <optional>
#include <string>

#include "tests/support/certificates.hpp"
#include "turnkeeper/base/child_process.hpp"
#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/endpoint.hpp"

namespace turnkeeper::turn::test {

// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class SecureRelay {
 public:
  // `version`: "4.6.1" or "4.18.0". Listening on every endpoint when it returns; a test failure otherwise.
  SecureRelay(const std::string& version, const testbed::Authority::Files& files);
  // Kills.
  ~SecureRelay();
  SecureRelay(const SecureRelay&) = delete;
  SecureRelay& operator=(const SecureRelay&) = delete;

  [[nodiscard]] Endpoint endpoint(Protocol protocol, SocketAddress::Family family) const;
  [[nodiscard]] Credential credential() const;
  // Whether it has a socket on that relayed port, waiting three seconds for it to have what is expected.
  [[nodiscard]] bool holds(std::uint16_t relayed_port, bool expected) const;

 private:
  TemporaryDirectory directory_;
  std::uint16_t port_ = 0;      // udp and tcp
  std::uint16_t tls_port_ = 0;  // tls and dtls
  std::optional<ChildProcess> process_;
};

// A TCP and UDP port of both loopback addresses that nobody has.
[[nodiscard]] std::uint16_t free_port();

}  // namespace turnkeeper::turn::test
