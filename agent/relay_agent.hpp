// The agent beside one coturn: configures it, keeps it running, keeps its signing keys, certificate and addresses
// current, tells over HTTP how it is, and drains it before it ends.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::agent {

struct RunOptions {
  std::string config_path;      // relay.json, see relay_config.hpp; read once
  std::string keys_path;        // keys.json, see lib/api/signing_keys.hpp; followed
  std::string addresses_path;   // addresses.json, see addresses.hpp; followed. Empty: none
  std::string tls_directory;    // of tls.crt and tls.key; followed. Only read when TLS or DTLS is offered
  std::string state_directory;  // writable: configuration, database, certificate and pid file of coturn
  std::string address;          // the relay's own: a literal, or one of each family with a comma between
  std::string pod;              // the relay's names in addresses.json
  std::string node;
  std::string listen;  // of the HTTP server: /readyz, /healthz, /metrics, /v1/state
  std::string turnserver = "turnserver";
  bool count_bytes = false;  // the network namespace is the relay's own, so its interfaces' counters are the relay's
  std::chrono::seconds drain_timeout{3600};
  std::chrono::seconds liveness_timeout{30};  // so long without any answer to Allocate, and /healthz fails
  std::string termination_log;                // how it ended, for whoever started it. Written only if it is there
};

// Runs until `stop` is requested and the relay is drained, or until it finds that the relay cannot work: that is the
// error. coturn's log goes to stdout, the agent's to stderr.
[[nodiscard]] Result<> run(const RunOptions& options, const std::stop_token& stop);

}  // namespace turnkeeper::agent
