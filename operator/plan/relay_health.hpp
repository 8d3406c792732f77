// What the monitors say about a cluster's relays and its providers, brought down to one word for each. Pure.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "turnkeeper/api/health.hpp"
#include "turnkeeper/api/relay_facts.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/v1/health.pb.h"

namespace turnkeeper::op {

using api::AgentState;
using api::CertificateSeen;
using api::KeyProof;
using api::RelayFacts;

// A monitor reports at the latest every 10 s; one that was not heard for this long is not counted any more.
inline constexpr std::chrono::seconds report_lifetime{30};
// What conditions say then that rest on monitors.
inline constexpr const char* not_heard =
    "no monitor was heard in the last 30 s; check that one runs and reaches the operator";

struct RelayHealth {
  api::Verdict verdict = api::Verdict::unknown;
  api::Cause cause = api::Cause::none;
  SystemTime since;  // when the verdict began
  bool operator==(const RelayHealth&) const = default;
};

// What the monitors say about one of spec.failover.providers.
struct ProviderHealth {
  api::Verdict verdict = api::Verdict::unknown;  // the best of its relays'
  api::Cause cause = api::Cause::none;           // of that relay
  std::string trouble;  // why it gave no credentials when it was asked last; empty: it gave them
  bool operator==(const ProviderHealth&) const = default;
};

// The newest report of one vantage.
struct VantageReport {
  std::string vantage;
  SystemTime heard;                           // when it came in, by this process's clock
  std::map<std::string, RelayHealth> relays;  // of one cluster, by relay name: "eu-west-0"
  std::map<std::string, RelayFacts> facts;    // likewise
  std::map<std::string, ProviderHealth> providers;
  std::map<std::string, std::vector<std::string>> nearest = {};  // to each region that names no backups
};

// The part of a report that speaks of `cluster` ("namespace/name"). Words that this version does not know become
// Unknown.
[[nodiscard]] VantageReport vantage_report(const v1::HealthReport& report, const std::string& cluster,
                                           SystemTime heard);

// They say the same but for what changes all the time: sessions, bytes, and when a key was proven last.
[[nodiscard]] bool differ_in_numbers_only(const VantageReport& one, const VantageReport& other);

struct ClusterHealth {
  bool heard = false;  // at least one vantage is fresh, and knows of a relay
  // The verdict of most fresh vantages; of equally many, the best: a doubt must not take a relay from its clients.
  std::map<std::string, RelayHealth> relays;
  // Of each fact the newest that a fresh vantage tells; of a key's proofs of the same moment, the accepted one.
  std::map<std::string, RelayFacts> facts;
  // Likewise by most of them; a provider that gives half of them something gives credentials.
  std::map<std::string, ProviderHealth> providers;
  // Of each region that names no backups: the others, as far as monitors have measured them, the nearest first; as most
  // of them say.
  std::map<std::string, std::vector<std::string>> nearest = {};
};

[[nodiscard]] ClusterHealth cluster_health(const std::vector<VantageReport>& reports, SystemTime now);

}  // namespace turnkeeper::op
