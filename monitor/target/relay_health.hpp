// What this monitor says of relays and providers, in the form that leaves it: for the operator, which writes it to
// status and goes on with rotations, certificates and rolls by it.
#pragma once

#include <string>
#include <vector>

#include "monitor/target/fleet.hpp"
#include "turnkeeper/api/health.hpp"
#include "turnkeeper/api/relay_facts.hpp"

namespace turnkeeper::monitor {

using api::AgentState;
using api::CertificateSeen;
using api::KeyProof;
using api::RelayFacts;

struct RelayHealth {
  RelayId id;
  api::Verdict verdict = api::Verdict::unknown;
  api::Cause cause = api::Cause::none;
  SystemTime since;
  RelayFacts facts;
  bool operator==(const RelayHealth&) const = default;
};

// One of Cluster::providers.
struct ProviderHealth {
  std::string cluster;
  std::string name;
  api::Verdict verdict = api::Verdict::unknown;  // the best of its relays'
  api::Cause cause = api::Cause::none;           // of that relay
  std::string trouble;  // why it gave no credentials when it was asked last; empty: it gave them
  bool operator==(const ProviderHealth&) const = default;
};

// Of a region that names no backups: the others, as far as their distances are measured, the nearest first.
struct RegionOrder {
  std::string cluster;
  std::string region;
  std::vector<std::string> nearest;
  bool operator==(const RegionOrder&) const = default;
};

// The whole picture.
struct FleetReport {
  std::vector<RelayHealth> relays;  // the clusters' own
  std::vector<ProviderHealth> providers;
  std::vector<RegionOrder> orders = {};
  bool operator==(const FleetReport&) const = default;
};

}  // namespace turnkeeper::monitor
