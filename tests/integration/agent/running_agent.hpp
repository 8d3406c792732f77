// The real agent with the real coturn, on 10.77.0.1, in a directory laid out as its container is.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/certificates.hpp"
#include "turnkeeper/base/child_process.hpp"
#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::agent {

struct Key {
  std::string id;
  Secret secret;
  std::string phase;
};

class RunningAgent {
 public:
  static constexpr const char* relay = "10.77.0.1:3478";

  struct Options {
    std::string turnserver = "turnserver";
    // No quota: coturn counts a released allocation for a second more.
    std::string relay_json =
        R"({"realm": "turn.example.org", "ports": {"turn": 3478, "relayMin": 50000, "relayMax": 59999},
                                 "limits": {"sessionsPerUser": 0}})";
    std::vector<std::string> before;     // words in front of the agent's: another program that starts it
    std::vector<std::string> arguments;  // more of the agent's
    std::string agent;                   // the program; empty: the one that was built
    std::string keys_json;               // empty: one issuing key, `secret`
    std::string addresses_json;          // empty: no --addresses
  };

  RunningAgent();
  ~RunningAgent();
  RunningAgent(const RunningAgent&) = delete;
  RunningAgent& operator=(const RunningAgent&) = delete;

  void start(const Options& options);
  void start() { start(Options()); }
  [[nodiscard]] ChildProcess& process() { return *process_; }
  // Its exit code; nothing when it still runs after `patience`.
  std::optional<int> wait(std::chrono::seconds patience = std::chrono::seconds(60));

  // Replaces keys.json the way kubelet does: the directory is a symlink that changes its target.
  void mount_keys(const std::string& json);
  void mount_keys(const std::vector<Key>& keys);
  // The same for tls.crt and tls.key, which may be changed before start() too.
  void mount_certificate(const testbed::Authority::Files& files);
  void write_addresses(const std::string& json);
  // An executable file with this text; its path.
  std::string script(const std::string& text);

  // The status of GET `path`; 0 when nobody answers. The body goes to `body`.
  int get(const std::string& path, std::string* body = nullptr) const;
  bool wait_until_ready();
  // What GET /v1/state says; null when nobody answers.
  [[nodiscard]] nlohmann::json state() const;
  // A sample's value in /metrics.
  [[nodiscard]] std::optional<double> metric(const std::string& name) const;
  // The process id of its coturn, from coturn's own pid file.
  [[nodiscard]] pid_t coturn_pid() const;
  [[nodiscard]] std::string log() const;
  // What it left in its termination log.
  [[nodiscard]] std::string termination_message() const;
  [[nodiscard]] const std::string& directory() const { return directory_; }

  const Secret secret = Secret::random(32);

 private:
  // Makes `directory` hold exactly these files, in one step.
  void mount(const std::string& directory, const std::map<std::string, std::string>& files);

  std::string directory_;
  int mounts_ = 0;
  std::optional<ChildProcess> process_;
};

// Certificates for 10.77.0.1, each with a serial number of its own.
class TemporaryAuthority {
 public:
  TemporaryAuthority();
  ~TemporaryAuthority();
  TemporaryAuthority(const TemporaryAuthority&) = delete;
  TemporaryAuthority& operator=(const TemporaryAuthority&) = delete;
  testbed::Authority::Files issue();

 private:
  std::string directory_;
  testbed::Authority authority_;
};

// For tests with each coturn: Debian 12's and the newest one.
inline const auto each_coturn =
    testing::Values("turnserver", TURNKEEPER_SOURCE_DIR "/tests/support/bin/turnserver-4.18");
inline const auto coturn_name = [](const testing::TestParamInfo<const char*>& info) {
  return std::string(info.index == 0 ? "Debian12" : "Newest");
};

template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds patience = std::chrono::seconds(20)) {
  const SteadyTime until = real_clock().steady() + patience;
  while (!condition()) {
    if (real_clock().steady() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

inline turn::Credential credential(const Secret& secret) {
  return turn::time_limited_credential(secret, "test", real_clock().system() + std::chrono::hours(1));
}

}  // namespace turnkeeper::agent
