// All that is known of one relay: what each vantage says, what this one's canary and probes found, its past. Part of
// FleetHealth, which decides when to judge.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "monitor/probe/probe_result.hpp"
#include "monitor/target/fleet.hpp"
#include "monitor/target/relay_health.hpp"
#include "monitor/verdict/judge.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

// The newest echoes of a canary: how many of them were lost. Constant time, a bit each.
class EchoWindow {
 public:
  // Of the newest `size` echoes, 1 or more. Begins anew when the size changes.
  void resize(std::size_t size);
  void add(bool came_back);
  [[nodiscard]] double loss_percent() const;

 private:
  std::vector<bool> lost_;
  std::size_t next_ = 0;
  std::size_t count_ = 0;
  std::size_t losses_ = 0;
};

// How far a relay is: the least round trip of its newest echoes, which leaves out what a busy machine adds now and
// then.
class LeastRoundTrip {
 public:
  static constexpr std::chrono::seconds window{10};

  void add(std::chrono::nanoseconds round_trip, SteadyTime now);
  // Of the newest window that is over, or of the first as far as it is; stays when no more echoes come. Nothing: none
  // came yet.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> value() const { return value_; }

 private:
  std::optional<std::chrono::nanoseconds> value_;
  std::optional<std::chrono::nanoseconds> least_;  // of this window
  SteadyTime began_;
  bool first_is_over_ = false;
};

// What this vantage's full probes found of a relay, over each transport and address.
class ProbeFindings {
 public:
  // Returns whether another probe should follow at once: a silence is believed only the second time.
  bool add(ProbeResult result, SteadyTime now, std::chrono::nanoseconds interval);
  // What was found before counts for nothing any more.
  void forget();
  // Makes the canary's observation this vantage's: unusable when each way in fails, else with the gravest complaint.
  void apply(Observation& observation) const;
  [[nodiscard]] const std::optional<ProbeResult>& newest() const { return newest_; }
  // The newest of each transport and address, sorted by these; for people.
  [[nodiscard]] std::vector<ProbeResult> each() const;

 private:
  struct Kept {
    SteadyTime at;
    ProbeResult result;
  };
  struct Finding {
    turn::Endpoint endpoint;
    SteadyTime at;
    bool ok = false;
    api::Cause cause = api::Cause::none;
    std::string detail;
    int silences = 0;  // in a row
  };
  [[nodiscard]] static bool is_unusable(const Finding& finding);

  std::vector<Finding> findings_;
  std::optional<ProbeResult> newest_;
  std::map<turn::Endpoint, Kept> kept_;
};

struct RelayRecord {
  struct Seen {
    std::uint32_t vantage = 0;  // FleetHealth's number of it
    Observation observation;
    SteadyTime turned;  // when it was first heard to be usable, or not to be
  };

  RelayId id;
  Relay relay;
  Policy policy;
  bool elsewhere = true;                    // not on this machine's loopback
  bool external = false;                    // a provider's
  std::chrono::milliseconds interval{100};  // of the canary's echoes; 0: there is no canary
  std::chrono::nanoseconds patience{0};     // as long as this vantage's canary takes to suspect it
  std::chrono::milliseconds probe_interval{10'000};

  std::vector<Seen> seen;
  std::optional<Observation> canary;  // what the canary said last; without one: as if it were well since the last probe
  ProbeFindings probes;
  EchoWindow echoes;
  std::optional<std::chrono::nanoseconds> round_trip;  // of the newest echo
  LeastRoundTrip least_round_trip;
  std::optional<SteadyTime> heard_at;  // when this vantage sent what it last answered
  bool died = false;                   // since then
  RelayFacts facts;

  RelayState state;
  SystemTime since;
  std::optional<SteadyTime> due;  // when it is to be judged again; earlier ones may still be queued

  [[nodiscard]] bool has_canary() const { return interval.count() > 0; }
};

}  // namespace turnkeeper::monitor
