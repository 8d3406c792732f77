// What clients told of their calls: series for Prometheus, and the last day for the status page.
//
//   CallFigures figures("laptop", clock);
//   figures.set_fleet(fleet);
//   figures.count(*report);
//   figures.write(exposition);
//   figures.last_day();
//
// Bounded: clusters, regions and relays that are not in the fleet are counted under "unknown". Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "monitor/metrics/exposition.hpp"
#include "monitor/metrics/histogram.hpp"
#include "monitor/report/report.hpp"
#include "monitor/target/fleet.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

// Calls that ended within the last 24 hours (in steps of an hour), as far as clients told this monitor since it began.
struct CallDay {
  std::uint64_t tried = 0;  // without those that were abandoned
  std::uint64_t connected = 0;
  std::optional<std::chrono::milliseconds> connect_p95;  // within its bucket, estimated as Prometheus does
};

class CallFigures {
 public:
  static constexpr std::array<double, 13> connect_bounds = {.1, .2, .3, .5, .75, 1, 1.5, 2, 3, 5, 8, 15, 30};
  static constexpr std::array<double, 11> gap_bounds = {.1, .2, .3, .5, .75, 1, 1.5, 2, 5, 10, 30};
  static constexpr std::array<double, 10> rtt_bounds = {.01, .025, .05, .075, .1, .15, .2, .3, .5, 1};

  CallFigures(const std::string& vantage, const Clock& clock);

  // Series of what is no longer in it go away.
  void set_fleet(const Fleet& fleet);
  void count(const Report& report);
  void refused(std::string_view reason);  // a report; one of a few fixed words
  void write(Exposition& text) const;
  [[nodiscard]] CallDay last_day() const;

 private:
  using RegionKey = std::pair<std::string, std::string>;
  using Connections = std::map<std::pair<std::string_view, std::string_view>, std::uint64_t>;
  struct Region {
    Connections connections;  // by outcome and candidate
    Histogram<13> connect{connect_bounds};
    Histogram<11> gaps{gap_bounds};
    Histogram<10> rtts{rtt_bounds};
    std::uint64_t restarts = 0;
  };
  struct Hour {
    std::int64_t hour = 0;  // Unix time / 1 h
    std::uint64_t tried = 0;
    std::uint64_t connected = 0;
    Histogram<13> connect{connect_bounds};
  };

  [[nodiscard]] RegionKey region_of(const Report& report) const;
  [[nodiscard]] RelayId relay_of(const Report& report) const;
  [[nodiscard]] std::string region_labels(const RegionKey& region) const;
  void count_today(const Report& report);

  const Clock& clock_;
  const std::string vantage_;
  std::map<RegionKey, Region> regions_;
  std::map<RelayId, Connections> relays_;  // by transport and outcome
  std::map<std::string, std::uint64_t> refused_;
  std::array<Hour, 24> hours_{};  // a ring, by Unix time / 1 h

  std::set<RegionKey> known_;                                // of the fleet
  std::map<std::string, std::optional<RelayId>> addresses_;  // "host:port" and "host"; nothing: several relays have it
};

}  // namespace turnkeeper::monitor
