// The agent beside one coturn: configures it, keeps it running, keeps its signing keys current, tells over HTTP how it
// is, and drains it before it ends.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::agent {

struct RunOptions {
  std::string config_path;      // relay.json, see relay_config.hpp; read once
  std::string keys_path;        // keys.json, see lib/api/signing_keys.hpp; followed
  std::string state_directory;  // writable: configuration, database and pid file of coturn
  std::string address;          // the relay's own, a literal
  std::string listen;           // of the HTTP server: /readyz, /healthz, /metrics
  std::string turnserver = "turnserver";
  std::chrono::seconds drain_timeout{3600};
};

// Runs until `stop` is requested and the relay is drained, or until it finds that the relay cannot work: that is the
// error. coturn's log goes to stdout, the agent's to stderr.
[[nodiscard]] Result<> run(const RunOptions& options, const std::stop_token& stop);

}  // namespace turnkeeper::agent
