// monitor.yaml: any TURN servers, ours or not, watched without an operator. Every key is in docs/monitor-yaml.md.
//
//   vantage: laptop
//   probing: {canary: 100ms, misses: 3, full: 10s}
//   servers:
//   - name: eu-0
//     region: eu
//     urls: ["turn:turn.example.org:3478?transport=udp", "turns:turn.example.org:5349?transport=tcp"]
//     secretFile: turn.secret
//   - {name: other, region: us, url: "turn:192.0.2.7", username: user, passwordFile: other.password}
//   failover:
//     providers: [{name: twilio, type: twilio, accountSid: AC00, secretFile: twilio.token}]
//
// Files are looked up beside monitor.yaml. Regions back each other up, the nearest first.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "monitor/access/access_config.hpp"
#include "monitor/notify/receiver.hpp"
#include "monitor/probe/probe_module.hpp"
#include "monitor/shape/region_header.hpp"
#include "monitor/target/fleet.hpp"
#include "turnkeeper/api/problem.hpp"
#include "turnkeeper/turn/tls.hpp"

namespace turnkeeper::monitor {

// How the other monitors are reached (monitor/exchange); paths are absolute or from the working directory.
struct ExchangeConfig {
  std::string listen;
  std::vector<std::string> peers;
  std::string peers_dns;
  std::string certificate, key, authority;  // PEM files; all empty: in the clear
  bool operator==(const ExchangeConfig&) const = default;
};

struct MonitorConfig {
  std::string vantage = "local";
  Fleet fleet;         // one cluster, without its providers' relays
  bool checks = true;  // of what a relay must refuse
  std::optional<ThroughputPlan> throughput;
  bool mtu = false;
  std::string status_url;       // where people find this monitor's page
  double uptime_target = 99.5;  // percent
  turn::TlsOptions tls;         // whom to trust when probing
  ProbeModules modules;
  std::vector<Receiver> receivers;
  RegionHeader region_header;  // clients.regionHeader
  std::optional<ExchangeConfig> exchange;
  AccessConfig access;  // paths as exchange has them
  bool operator==(const MonitorConfig&) const = default;
};

// All problems at once, with line and column; api::problems_text(problems, path) renders them. `files`: takes every
// file whose change may change the outcome, monitor.yaml among them, those that could not be read too.
[[nodiscard]] tl::expected<MonitorConfig, api::Problems> load_monitor_config(const std::string& path,
                                                                             std::set<std::string>* files = nullptr);

}  // namespace turnkeeper::monitor
