// monitor.yaml: any TURN servers, ours or not, watched without an operator.
//
//   vantage: laptop
//   probing: {canary: 100ms, misses: 3, full: 10s}
//   credentials: {ttl: 24h}
//   stunServers: ["stun:stun.example.org:3478"]
//   servers:
//   - {name: eu-0, region: eu, url: "turn:turn.example.org:3478?transport=udp", secretFile: turn.secret}
//   - {name: other, region: us, url: "turn:192.0.2.7", username: user, passwordFile: other.password}
//
// secretFile holds the shared secret of time-limited credentials (coturn's static-auth-secret); all servers of one file
// share it. username with passwordFile is a user that the server knows for good. Files are looked up beside
// monitor.yaml. Regions back each other up in the order in which they appear.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "monitor/target/fleet.hpp"
#include "turnkeeper/api/problem.hpp"

namespace turnkeeper::monitor {

struct MonitorConfig {
  std::string vantage = "local";
  Fleet fleet;  // one cluster
};

// All problems at once, with line and column; api::problems_text(problems, path) renders them.
[[nodiscard]] tl::expected<MonitorConfig, api::Problems> load_monitor_config(const std::string& path);

}  // namespace turnkeeper::monitor
