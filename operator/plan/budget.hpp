// What a cluster's relays cost this month: an estimate from how many there are and what they send. Pure.
//
//   Ledger ledger = read_ledger(status);
//   meter.add(health.facts);
//   ledger = book(ledger, relays_before, relays_now, meter, now);
//   Cost cost = cost_of(*spec.budget, ledger);
//
// A relay counts for the part of the month that it is there, taken to its end: so the estimate stays as it is while the
// relays do. Traffic counts as it is measured; what is sent while no operator or no monitor runs is not, and the true
// bill is then higher. A budget never cuts a call: what is over it is said, and changes only what comes.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "operator/plan/relay_health.hpp"
#include "turnkeeper/api/conditions.hpp"
#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::op {

// status.budget but for the cost.
struct Ledger {
  std::string month;        // "2026-08", UTC; empty: nothing was booked yet
  double relay_months = 0;  // that this month will have had if the relays stay as they are
  double gigabytes = 0;     // sent in this month so far; 10^9 bytes
};

// What the relays sent and is not booked yet. Kept between passes; what is in it is lost with the process.
class TrafficMeter {
 public:
  // An agent counts from its own start. The first figure of a relay only begins the count. One that is a little lower
  // than another vantage's a moment before is the older of the two; one below half of it comes from a new start.
  void add(const std::map<std::string, RelayFacts>& facts);
  // Takes whole hundredths of a gigabyte, and at most once a minute: each is a write of the status.
  [[nodiscard]] double take_gigabytes(SystemTime now);

 private:
  std::map<std::string, std::uint64_t> counters_;
  std::uint64_t bytes_ = 0;
  SystemTime taken_;
};

// Of a TurnCluster's status, which may be null.
[[nodiscard]] Ledger read_ledger(const nlohmann::json& status);
[[nodiscard]] Ledger book(Ledger ledger, int relays_before, int relays_now, double gigabytes, SystemTime now);
[[nodiscard]] double cost_of(const api::Budget& budget, const Ledger& ledger);
[[nodiscard]] bool is_over(const api::Budget& budget, const Ledger& ledger);
// "23.40 of 45.00 USD in this month: 2.0 relays and 12.3 GB"
[[nodiscard]] std::string cost_text(const api::Budget& budget, const Ledger& ledger);
// `measured`: some agent tells what its relay sends.
[[nodiscard]] api::Condition within_budget(const api::Budget& budget, const Ledger& ledger, bool measured);
[[nodiscard]] nlohmann::json to_json(const api::Budget& budget, const Ledger& ledger);

}  // namespace turnkeeper::op
