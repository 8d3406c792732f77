// The real agent with the real coturn, on 10.77.0.1, in a directory laid out as its container is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/base/child_process.hpp"
#include "turnkeeper/base/secret.hpp"

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

  // The status of GET `path`; 0 when nobody answers. The body goes to `body`.
  int get(const std::string& path, std::string* body = nullptr) const;
  bool wait_until_ready();
  // A sample's value in /metrics.
  [[nodiscard]] std::optional<double> metric(const std::string& name) const;
  // The process id of its coturn, from coturn's own pid file.
  [[nodiscard]] pid_t coturn_pid() const;
  [[nodiscard]] std::string log() const;
  [[nodiscard]] const std::string& directory() const { return directory_; }

  const Secret secret = Secret::random(32);

 private:
  std::string directory_;
  int mounts_ = 0;
  std::optional<ChildProcess> process_;
};

}  // namespace turnkeeper::agent
