// From what the TURN client met to the word that metrics, alerts and the status page use. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "turnkeeper/api/health.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/turn/client.hpp"
#include "turnkeeper/turn/connect.hpp"
#include "turnkeeper/turn/transport.hpp"

namespace turnkeeper::monitor {

struct Diagnosis {
  api::Cause cause = api::Cause::none;
  std::string detail;  // for a person, one line
  bool operator==(const Diagnosis&) const = default;
};

// An answer that was not a success. Timeouts are diagnose_silence()'s. A 401 to credentials is auth_secret here:
// diagnose_unauthorized() knows better, given evidence.
[[nodiscard]] Diagnosis diagnose(const turn::Failure& failure);

// What is known when nothing came back in time.
struct Silence {
  turn::Operation waiting_for{};
  bool binding_answered = false;
  bool challenged = false;  // the first Allocate was answered with 401
  int forged = 0;           // answers that failed MESSAGE-INTEGRITY
};
[[nodiscard]] Diagnosis diagnose_silence(const Silence& silence);

// The path does not lead to the relay (any more). `allocated`: it did, and an allocation was made.
[[nodiscard]] Diagnosis diagnose(const turn::PathFailure& failure, bool allocated);

// There was no way to begin.
[[nodiscard]] Diagnosis diagnose(const turn::ConnectFailure& failure);

// What else was tried and is known when a relay answers 401 to a credential that should be good.
struct AuthEvidence {
  SystemTime expires = SystemTime::max();       // of the credential that was refused
  std::optional<bool> lasting_accepted;         // the same key and user, good for many years
  std::optional<std::string> accepted_key;      // id of another key of the cluster that the relay does accept
  int keys_refused = 1;                         // how many keys were tried and refused
  bool worked_here = false;                     // the refused key was accepted by this relay before
  bool works_elsewhere = false;                 // other relays of the cluster accept it now
  std::optional<std::chrono::seconds> our_lag;  // how far the other monitors' clocks are ahead of ours
};
[[nodiscard]] Diagnosis diagnose_unauthorized(const AuthEvidence& evidence);

}  // namespace turnkeeper::monitor
