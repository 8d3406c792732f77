// What the agent knows of its relay: GET /v1/state. Pure.
//
//   {"sessions":3,"sentBytes":10,"receivedBytes":20,"bitsPerSecond":0,"keys":["k2"],
//    "configHash":"9f86d081884c7d659a2feaa0c55ad015","version":"4.18.0","draining":false,"starts":1,
//    "certificateSerial":"0a1b","problem":"..."}
//
// What is unknown is left out. Never a secret: it is served to whoever can reach the port.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/coturn/version.hpp"

namespace turnkeeper::agent {

struct State {
  std::optional<int> sessions;  // live allocations, those of probes included
  std::optional<std::uint64_t> sent_bytes;
  std::optional<std::uint64_t> received_bytes;
  std::optional<std::uint64_t> bits_per_second;  // both directions, averaged over the last minute
  std::vector<std::string> keys;                 // ids of the signing keys that the relay accepts
  std::string config_hash;                       // content_hash() of the relay.json that it runs with
  coturn::Version coturn;
  bool running = true;  // not in the JSON: coturn is there, not between a crash and the next start
  bool draining = false;
  int starts = 0;                  // of coturn, the first included
  std::string certificate_serial;  // lower-case hexadecimal, of the one that coturn was told to load last; empty: none
  std::optional<SystemTime> certificate_expires;  // not in the JSON: the operator has the certificate itself
  std::string problem;                            // why the relay does not serve, for a person; empty: it does
};

[[nodiscard]] std::string state_json(const State& state);

}  // namespace turnkeeper::agent
