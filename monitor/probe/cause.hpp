// From what the TURN client met to the word that metrics, alerts and the status page use. Pure.
#pragma once

#include <string>

#include "turnkeeper/api/health.hpp"
#include "turnkeeper/turn/client.hpp"

namespace turnkeeper::monitor {

struct Diagnosis {
  api::Cause cause = api::Cause::none;
  std::string detail;  // for a person, one line
  bool operator==(const Diagnosis&) const = default;
};

// An answer that was not a success. Timeouts are diagnose_silence()'s.
[[nodiscard]] Diagnosis diagnose(const turn::Failure& failure);

// What is known when nothing came back in time.
struct Silence {
  turn::Operation waiting_for{};
  bool binding_answered = false;
  bool challenged = false;  // the first Allocate was answered with 401
  int forged = 0;           // answers that failed MESSAGE-INTEGRITY
};
[[nodiscard]] Diagnosis diagnose_silence(const Silence& silence);

}  // namespace turnkeeper::monitor
