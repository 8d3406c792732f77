// What is known of a relay beside its health: what a monitor saw of it and tells the operator, which goes on with
// rotations, certificates and rolls by it. Values only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::api {

// An Allocate with a credential of a signing key was answered: with success, or with 401.
struct KeyProof {
  bool accepted = false;
  SystemTime at;  // by the monitor's clock
  bool operator==(const KeyProof&) const = default;
};

// What a relay's agent says of it (GET /v1/state). What is unknown to it is absent or empty.
struct AgentState {
  std::optional<std::uint32_t> sessions;    // live allocations, those of probes included
  std::optional<std::uint64_t> sent_bytes;  // since the agent's start
  std::optional<std::uint64_t> received_bytes;
  std::optional<std::uint64_t> bits_per_second;  // both directions, averaged over the last minute
  std::vector<std::string> keys;                 // ids of the signing keys that the relay accepts
  std::string config_hash;                       // of the relay.json that it runs with
  std::string version;                           // coturn's: "4.18.0"
  bool draining = false;
  std::uint32_t starts = 0;        // of coturn, the first included
  std::string certificate_serial;  // of the certificate that coturn was told to load last
  bool operator==(const AgentState&) const = default;
};

// What a relay showed in a TLS or DTLS handshake.
struct CertificateSeen {
  std::string serial;  // lower-case hexadecimal
  SystemTime not_after;
  bool operator==(const CertificateSeen&) const = default;
};

// The newest of each; what was not seen is left out.
struct RelayFacts {
  std::map<std::string, KeyProof> keys;  // by the key's id
  std::optional<AgentState> agent;       // while it is heard
  std::optional<CertificateSeen> certificate;
  bool operator==(const RelayFacts&) const = default;
};

// What of it somebody waits for: without sessions, bytes, and when a key was proven last, which change all the time.
[[nodiscard]] RelayFacts without_numbers(RelayFacts facts);

}  // namespace turnkeeper::api
