// What the monitor remembers of its relays for people: the last day's verdicts, the last hour's round trips, uptime
// over a day, a week and a month, the last day's failovers. Bounded: less than 8 KiB for each relay. No file, no timer:
// the caller brings the events and the clock (history_file.hpp keeps it on disk).
//
//   History history(clock);
//   history.set_fleet(fleet);
//   RelayHistory* relay = history.relay(id);          // once; then for each echo:
//   relay->echoed(clock.system(), round_trip);
//   history.judged(id, api::Verdict::unhealthy, api::Cause::data_path);
//   history.on_time();                                // each second or so
//
// Time in which the monitor did not run, or in which nothing was known, counts as unknown, never as up. Not
// thread-safe.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "monitor/history/relay_history.hpp"
#include "monitor/target/fleet.hpp"
#include "monitor/verdict/serving.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::monitor {

class History {
 public:
  explicit History(const Clock& clock) : clock_(clock) {}

  // Relays that stay keep their history, new ones begin as Unknown, the rest is forgotten.
  void set_fleet(const Fleet& fleet);
  // Good until a set_fleet() without that relay; null when it is not in the fleet.
  [[nodiscard]] RelayHistory* relay(const RelayId& id);
  [[nodiscard]] const RelayHistory* relay(const RelayId& id) const;

  void judged(const RelayId& id, api::Verdict verdict, api::Cause cause);
  void failed_over(const Failover& failover);
  // Newest first, of the last 24 hours, at most 200.
  [[nodiscard]] std::vector<Failover> failovers() const;

  // Counts the time since the last call under each relay's present verdict. Call it at least each minute: a longer
  // break is taken for a standstill of the monitor, and is unknown time.
  void on_time();

  // Everything but the round trips, as JSON with a version in it.
  [[nodiscard]] std::string save() const;
  // Takes over what save() gave, for relays of the present and of later fleets; the time between counts as unknown.
  // Error: it is not what save() writes, or a later version of it; nothing is taken over then.
  [[nodiscard]] Result<> restore(const std::string& saved);

 private:
  const Clock& clock_;
  std::map<RelayId, RelayHistory> relays_;
  std::map<RelayId, RelayHistory> restored_;  // not in a fleet yet
  std::deque<Failover> failovers_;            // newest first
  SteadyTime counted_until_{};
  bool counting_ = false;
};

}  // namespace turnkeeper::monitor
