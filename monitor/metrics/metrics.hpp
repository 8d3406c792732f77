// The monitor's Prometheus metrics: names, labels and lifetimes of all series in one place (docs/metrics.md).
//
//   Metrics metrics("laptop");
//   metrics.set_fleet(fleet);              // relays that went away lose their series
//   metrics.probed(id, result);
//   response.body = metrics.exposition(clock.system());
//
// What is said of a relay that is not in the fleet is dropped. Not thread-safe: use it from one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "monitor/probe/probe_result.hpp"
#include "monitor/target/fleet.hpp"
#include "turnkeeper/api/health.hpp"

namespace turnkeeper::monitor {

class Metrics {
 public:
  explicit Metrics(const std::string& vantage);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void set_fleet(const Fleet& fleet);

  void probed(const RelayId& relay, const ProbeResult& result);
  void echo_sent(const RelayId& relay);
  void echo_received(const RelayId& relay, std::chrono::nanoseconds round_trip);
  void echo_lost(const RelayId& relay);
  void judged(const RelayId& relay, api::Verdict verdict, api::Cause cause);
  // Who serves the clients of `region`: the region itself, a backup because of `cause`, or nobody (empty).
  void served(const std::string& cluster, const std::string& region, const std::string& by, api::Cause cause);
  // Clients of `region` were sent to another region because of `cause`.
  void failed_over(const std::string& cluster, const std::string& region, api::Cause cause);
  // From the first missed echo of a relay that died to the moment its clients were told.
  void pushed_after(const std::string& cluster, const std::string& region, std::chrono::nanoseconds since_first_miss);
  // An ICE config was given out; `api`: "native" or "events".
  void issued(const std::string& cluster, const std::string& region, std::string_view api);
  void set_push_clients(const std::string& cluster, const std::string& region, std::size_t count);

  // The text format, version 0.0.4.
  [[nodiscard]] std::string exposition(SystemTime now);
  static constexpr const char* content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace turnkeeper::monitor
