// What the monitors say about a cluster's relays, brought down to one word for each. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/api/health.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/v1/health.pb.h"

namespace turnkeeper::op {

// A monitor reports at the latest every 10 s; one that was not heard for this long is not counted any more.
inline constexpr std::chrono::seconds report_lifetime{30};

struct RelayHealth {
  api::Verdict verdict = api::Verdict::unknown;
  api::Cause cause = api::Cause::none;
  SystemTime since;  // when the verdict began
  bool operator==(const RelayHealth&) const = default;
};

// An Allocate with a credential of a signing key was answered.
struct KeyProof {
  bool accepted = false;  // or refused with 401
  SystemTime at;          // by the monitor's clock
  bool operator==(const KeyProof&) const = default;
};

// What a relay's agent says of it.
struct AgentState {
  int sessions = 0;                         // live allocations, those of probes included
  std::optional<std::uint64_t> sent_bytes;  // since the agent's start; unset: its kernel does not say
  std::optional<std::uint64_t> received_bytes;
  std::optional<std::uint64_t> bits_per_second;  // both directions, averaged over the last minute
  std::vector<std::string> keys;                 // ids of the signing keys that the relay accepts
  std::string config_hash;                       // of the relay.json that it runs with
  std::string version;                           // coturn's: "4.18.0"
  std::string certificate_serial;                // that coturn was told to load last; empty: none
  bool draining = false;
  int starts = 0;  // of coturn, the first included
  bool operator==(const AgentState&) const = default;
};

// What a relay showed in a TLS handshake.
struct CertificateSeen {
  std::string serial;  // lower-case hexadecimal
  SystemTime not_after;
  bool operator==(const CertificateSeen&) const = default;
};

// What is known of a relay beside its verdict. What was not seen is left out.
struct RelayFacts {
  std::map<std::string, KeyProof> keys;  // by key id
  std::optional<AgentState> agent;
  std::optional<CertificateSeen> certificate;
  bool operator==(const RelayFacts&) const = default;
};

// The newest report of one vantage.
struct VantageReport {
  std::string vantage;
  SystemTime heard;                           // when it came in, by this process's clock
  std::map<std::string, RelayHealth> relays;  // of one cluster, by relay name: "eu-west-0"
  std::map<std::string, RelayFacts> facts;    // likewise
};

// The part of a report that speaks of `cluster` ("namespace/name"). Words that this version does not know become
// Unknown.
[[nodiscard]] VantageReport vantage_report(const v1::HealthReport& report, const std::string& cluster,
                                           SystemTime heard);

// They say the same but for what changes all the time: sessions, bytes, and when a key was proven last.
[[nodiscard]] bool differ_in_numbers_only(const VantageReport& one, const VantageReport& other);

struct ClusterHealth {
  bool heard = false;  // at least one vantage is fresh
  // The verdict of most fresh vantages; of equally many, the best: a doubt must not take a relay from its clients.
  std::map<std::string, RelayHealth> relays;
  // Of each fact the newest that a fresh vantage tells; of a key's proofs of the same moment, the accepted one.
  std::map<std::string, RelayFacts> facts;
};

[[nodiscard]] ClusterHealth cluster_health(const std::vector<VantageReport>& reports, SystemTime now);

}  // namespace turnkeeper::op
