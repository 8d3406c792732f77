// Monitors that the operator itself runs, so that relays are also seen from where they stand. Pure.
//
// Each is one Deployment with what it needs beside it: its certificate and the targets to start from. It watches the
// relays of its TurnCluster alone, reports to the operator, gives credentials to nobody, and has no rights in
// Kubernetes and no token.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::op {

struct Vantage {
  std::string site;           // where it runs; empty: the TurnCluster's own Kubernetes cluster
  const api::Region* region;  // whose nodes it runs on; null: any node of the site
  std::string object;         // the name of its Deployment: "calls-vantage", "calls-eu-west-vantage"
  std::string name;           // in metrics and reports: "telephony/calls/us-east"
};

// Those that the cluster asks for: one in each region with `vantage: true`, and one at each other site unless its
// regions say something else. They point into `cluster`.
[[nodiscard]] std::vector<Vantage> vantages_of(const api::TurnCluster& cluster);

struct VantageSettings {
  std::string operator_address;  // "host:port", reachable from every site
  std::string exchange_peer;     // "host:port" of the monitors to judge together with; empty: it only reports
  std::string authorities;       // PEM: trusted besides the public ones when relays are probed; empty: none
};

[[nodiscard]] std::string vantage_tls_name(const Vantage& vantage);
// Its Secret with ca.crt, tls.crt and tls.key, which `data` has, and the settings' authorities.
[[nodiscard]] nlohmann::json vantage_tls_secret(const api::TurnCluster& cluster, const Vantage& vantage,
                                                const VantageSettings& settings, const nlohmann::json& data);
// Its Secret with targets.json.
[[nodiscard]] nlohmann::json vantage_targets_secret(const api::TurnCluster& cluster, const Vantage& vantage,
                                                    const Secret& targets);
[[nodiscard]] nlohmann::json vantage_service_account(const api::TurnCluster& cluster, const Vantage& vantage);
// `image` holds /usr/bin/turnkeeper-monitor.
[[nodiscard]] nlohmann::json vantage_deployment(const api::TurnCluster& cluster, const Vantage& vantage,
                                                const VantageSettings& settings, const std::string& image);

}  // namespace turnkeeper::op
