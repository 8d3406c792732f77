// What this monitor says of one relay, in the form that leaves it: for the operator, which writes it to status and goes
// on with rotations, certificates and rolls by it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "monitor/target/fleet.hpp"
#include "turnkeeper/api/health.hpp"

namespace turnkeeper::monitor {

// An Allocate with a credential of a signing key was answered: with success, or with 401.
struct KeyProof {
  bool accepted = false;
  SystemTime at;
  bool operator==(const KeyProof&) const = default;
};

// What a relay's agent says of itself (GET /v1/state). What is unknown to it is absent or empty.
struct AgentState {
  std::optional<std::uint32_t> sessions;  // live allocations, those of probes included
  std::optional<std::uint64_t> sent_bytes;
  std::optional<std::uint64_t> received_bytes;
  std::optional<std::uint64_t> bits_per_second;
  std::vector<std::string> keys;  // ids of the signing keys that the relay accepts
  std::string config_hash;
  std::string version;  // coturn's
  bool draining = false;
  std::uint32_t starts = 0;        // of coturn
  std::string certificate_serial;  // of the certificate that coturn was told to load last
  bool operator==(const AgentState&) const = default;
};

// In a TLS or DTLS handshake with the relay.
struct CertificateSeen {
  std::string serial;  // lower-case hexadecimal
  SystemTime not_after;
  bool operator==(const CertificateSeen&) const = default;
};

// What is known of a relay beside its health; the newest of each.
struct RelayFacts {
  std::map<std::string, KeyProof> keys;  // by the key's id
  std::optional<AgentState> agent;       // while it is heard
  std::optional<CertificateSeen> certificate;
  bool operator==(const RelayFacts&) const = default;
};

// Whether anything differs that somebody waits for; the rest are numbers that change all the time.
[[nodiscard]] bool differ_in_more_than_numbers(const RelayFacts& a, const RelayFacts& b);

struct RelayHealth {
  RelayId id;
  api::Verdict verdict = api::Verdict::unknown;
  api::Cause cause = api::Cause::none;
  SystemTime since;
  RelayFacts facts;
  bool operator==(const RelayHealth&) const = default;
};

}  // namespace turnkeeper::monitor
