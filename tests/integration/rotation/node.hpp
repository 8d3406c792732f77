// What a kubelet and its node do for the relays of one region: pods in the API, the real agent with the real coturn on
// an address of its own, and the Secret's keys in its volume whenever they change.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "turnkeeper/base/child_process.hpp"

namespace turnkeeper::test {

struct RelayOptions {
  std::string name;     // "calls-eu-0"
  std::string address;  // "10.77.0.1"
  std::string turnserver;
  std::chrono::milliseconds lag;  // until its volume shows a changed Secret
};

// A relay's container. Started from the thread that must outlive it.
class RelayContainer {
 public:
  RelayContainer(RelayOptions options, const std::string& relay_json, const std::string& keys_json);
  ~RelayContainer();
  RelayContainer(const RelayContainer&) = delete;
  RelayContainer& operator=(const RelayContainer&) = delete;

  [[nodiscard]] bool ready() const;
  [[nodiscard]] std::string get(const std::string& path) const;  // from its agent; empty when nobody answers
  [[nodiscard]] std::string log() const;
  [[nodiscard]] std::vector<pid_t> pids() const;  // the agent and its coturn
  void mount_keys(const std::string& json);
  [[nodiscard]] const RelayOptions& options() const { return options_; }

 private:
  const RelayOptions options_;
  std::string directory_;
  int mounts_ = 0;
  std::optional<ChildProcess> agent_;
};

// Mounts what `read` says in each of the containers, as long as it lives. Remembers every content that it has seen.
class Volumes {
 public:
  Volumes(std::function<std::string()> read, std::vector<RelayContainer*> containers);
  [[nodiscard]] std::set<std::string> seen() const;

 private:
  mutable std::mutex mutex_;
  std::set<std::string> seen_;
  std::vector<std::jthread> threads_;
};

}  // namespace turnkeeper::test
