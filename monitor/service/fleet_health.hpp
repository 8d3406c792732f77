// What this monitor knows about its fleet: takes in what canaries and probes saw, gives out verdicts, who serves which
// region, and what changed. No socket, no timer: the caller brings the events and the clock.
//
//   FleetHealth health("laptop", clock);
//   health.set_fleet(fleet);
//   health.observed(id, observation);
//   for (const auto& change : health.take_changes().verdicts) log(change);
//   if (auto at = health.next_time()) timer.expires_at(*at);   // then health.on_time()
//
// Events of relays that are not in the fleet are dropped. Not thread-safe.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "monitor/probe/probe_result.hpp"
#include "monitor/target/fleet.hpp"
#include "monitor/target/relay_health.hpp"
#include "monitor/verdict/judge.hpp"
#include "monitor/verdict/serving.hpp"
#include "monitor/web/status.hpp"

namespace turnkeeper::monitor {

struct VerdictChange {
  RelayId id;
  api::Verdict from = api::Verdict::unknown;
  Judgement to;
  std::optional<SteadyTime> first_miss;  // of a relay that died: when the first echo that is missing was due
};

struct FleetChanges {
  std::vector<VerdictChange> verdicts;  // the same verdict with another cause among them
  std::vector<Failover> failovers;
};

class FleetHealth {
 public:
  FleetHealth(std::string vantage, const Clock& clock);

  // Relays that stay keep their history.
  void set_fleet(Fleet fleet);
  [[nodiscard]] const Fleet& fleet() const { return fleet_; }

  // One echo of the standing allocation, for loss and round trip. Alone it says nothing about the relay's health.
  void echoed(const RelayId& id, std::chrono::nanoseconds round_trip);
  void echo_lost(const RelayId& id);
  // What the canary says. Usable again after it was not: what a full probe found before is outdated. Returns whether
  // that was so.
  bool observed(const RelayId& id, Observation observation);
  void probed(const RelayId& id, ProbeResult result);

  // When on_time() may change something though nothing was seen.
  [[nodiscard]] std::optional<SteadyTime> next_time() const;
  void on_time();

  // What happened since the last call.
  [[nodiscard]] FleetChanges take_changes();

  [[nodiscard]] api::Verdict verdict(const RelayId& id) const;
  // Empty: nobody.
  [[nodiscard]] std::string served_by(const std::string& cluster, const std::string& region) const;
  // Why `region` is not served by itself; none when it is.
  [[nodiscard]] api::Cause failover_cause(const std::string& cluster, const std::string& region) const;
  [[nodiscard]] Status status() const;
  [[nodiscard]] std::vector<RelayHealth> relay_health() const;

 private:
  struct RelayEntry {
    Relay relay;
    Policy policy;
    std::size_t window = 100;  // echoes that `echoes` remembers
    std::optional<Observation> observation;
    RelayState state;
    SystemTime since;
    std::chrono::milliseconds canary{100};
    std::optional<SteadyTime> usable_at;  // when it was last seen to be, until it died
    std::optional<ProbeResult> probe;
    api::Cause probe_cause = api::Cause::none;  // of the newest full probe, while it still counts
    std::optional<std::chrono::nanoseconds> echo;
    std::deque<bool> echoes;  // did it come back
  };
  struct RegionEntry {
    std::string served_by;
    api::Cause cause = api::Cause::none;
  };
  using RegionKey = std::pair<std::string, std::string>;

  [[nodiscard]] RelayEntry* find(const RelayId& id);
  void remember_echo(RelayEntry& entry, bool came_back);
  void judge_again(const RelayId& id, RelayEntry& entry);
  void serve_again(const Cluster& cluster);
  [[nodiscard]] api::Cause newest_cause(const Cluster& cluster, const std::string& region) const;

  const std::string vantage_;
  const Clock& clock_;
  Fleet fleet_;
  std::map<RelayId, RelayEntry> relays_;
  std::map<RegionKey, RegionEntry> regions_;
  std::deque<Failover> failovers_;
  FleetChanges changes_;
};

}  // namespace turnkeeper::monitor
