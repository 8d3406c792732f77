// A real coturn on loopback for one test, with a configuration of the test's choosing.
#pragma once

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/certificates.hpp"
#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/child_process.hpp"
#include "turnkeeper/coturn/turndb.hpp"
#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/endpoint.hpp"

namespace turnkeeper::monitor {

class LiveRelay {
 public:
  // The newest coturn that is supported, where the machine's own is the oldest.
  static constexpr const char* newest = TURNKEEPER_SOURCE_DIR "/tests/support/bin/turnserver-4.18";

  struct Options {
    std::string program = "turnserver";
    std::string extra_config;         // lines; "" for none
    int relayed_ports = 100;          // size of the range
    bool allow_own_address = true;    // false: 127.0.0.0/8 is denied as a peer
    bool secret_in_database = false;  // in the turndb alone, as the product does it, instead of in the configuration
    std::optional<testbed::Authority::Files> tls = {};  // serves TLS and DTLS too, on tls_port()
    bool deny_special_peers = false;                    // as the product does it, its own address excepted
  };

  // Ready to allocate when it returns; a test failure and an unusable object otherwise.
  LiveRelay() : LiveRelay(Options{}) {}
  explicit LiveRelay(const Options& options);
  ~LiveRelay();
  LiveRelay(const LiveRelay&) = delete;
  LiveRelay& operator=(const LiveRelay&) = delete;

  // On the same port with the same configuration.
  void start();
  void kill();  // SIGKILL; returns when it is gone
  void signal(int number);
  [[nodiscard]] bool ended();
  // Those that it accepts from now on; with secret_in_database.
  void set_secrets(const std::vector<Secret>& secrets);

  [[nodiscard]] const std::string& host() const { return host_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::uint16_t tls_port() const { return tls_port_; }
  [[nodiscard]] turn::Endpoint endpoint(turn::Protocol protocol = turn::Protocol::udp) const;
  [[nodiscard]] std::string database() const { return directory_ + "/turndb"; }
  [[nodiscard]] turn::Credential credential(std::chrono::seconds ttl = std::chrono::hours(1)) const;
  // Waits until that many allocations are held, at most two seconds; returns how many it saw last.
  [[nodiscard]] int wait_for_allocations(int count) const;

 private:
  std::string host_ = "127.0.0.1";
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
  bool serves_tls_ = false;
  api::Ports ports_;
  std::string program_;
  std::string directory_;
  std::optional<coturn::TurnDb> database_;  // stays open: see TurnDb
  std::optional<ChildProcess> process_;
};

// A UDP port on which nothing listens.
[[nodiscard]] std::uint16_t free_udp_port();

}  // namespace turnkeeper::monitor
