// The monitor's Prometheus metrics: names, labels and lifetimes of all series in one place (docs/metrics.md).
//
//   Metrics metrics("laptop", real_clock());
//   metrics.set_fleet(fleet);              // relays that went away lose their series
//   RelaySeries* series = metrics.series(id);
//   series->echo_received(round_trip);     // for each echo: no look-up
//   metrics.probed(id, result);
//   response.body = metrics.exposition(exposition_format(request.header("accept")));
//
// What is said of a relay that is not in the fleet is dropped. Not thread-safe: use it from one thread.
//
// The text is written straight from the state. prometheus-cpp, which the operator uses, would copy 25,000 samples with
// their labels into its MetricFamily first: 12 MiB for a moment, twice the time, and no OpenMetrics.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "monitor/metrics/exposition.hpp"
#include "monitor/metrics/relay_series.hpp"
#include "monitor/probe/probe_result.hpp"
#include "monitor/target/fleet.hpp"
#include "monitor/target/provider_status.hpp"
#include "monitor/target/relay_health.hpp"
#include "turnkeeper/api/health.hpp"

namespace turnkeeper::monitor {

class Metrics {
 public:
  explicit Metrics(const std::string& vantage, const Clock& clock = real_clock());
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void set_fleet(const Fleet& fleet);

  // Good until a set_fleet() without that relay; null when it is not in the fleet.
  [[nodiscard]] RelaySeries* series(const RelayId& relay);

  void probed(const RelayId& relay, const ProbeResult& result);
  // What its agent said; null: it is heard no more.
  void agent_said(const RelayId& relay, const AgentState* state);
  void judged(const RelayId& relay, api::Verdict verdict, api::Cause cause);
  // Who serves the clients of `region`: the region itself, a backup because of `cause`, or nobody (empty).
  void served(const std::string& cluster, const std::string& region, const std::string& by, api::Cause cause);
  // How far the regions are from `region`, all that are measured.
  void set_distances(const std::string& cluster, const std::string& region,
                     std::map<std::string, std::chrono::nanoseconds> round_trips);
  // Clients of `region` were sent to another region because of `cause`.
  void failed_over(const std::string& cluster, const std::string& region, api::Cause cause);
  // From the first missed echo of a relay that died to the moment its clients were told.
  void pushed_after(const std::string& cluster, const std::string& region, std::chrono::nanoseconds since_first_miss);
  // An ICE config was given out; `api`: that of a Shape, "events" or "sessions".
  void issued(const std::string& cluster, const std::string& region, std::string_view api);
  // A request for credentials was refused; `reason`: one of a few fixed words, such as "unauthorized".
  void rejected(std::string_view reason);
  void set_push_clients(const std::string& cluster, const std::string& region, std::size_t count);

  // This vantage sees nothing, its own gateway included, and abstains.
  void set_blind(bool blind);
  // Other monitors: configured or known, and with a living stream.
  void set_peers(std::size_t known, std::size_t connected);
  // Whether targets come from the operator's stream right now. Never called: there is no operator.
  void set_operator_connected(bool connected);
  // A configuration file was read (again).
  void config_loaded(bool ok);
  // As Notifier::counts() has it, all numbers since the start.
  void set_notifications(const std::string& receiver, std::uint64_t sent, std::uint64_t failed, std::uint64_t dropped,
                         std::uint64_t held);
  // All that there are.
  void set_providers(std::vector<ProviderStatus> providers);
  // Open incidents of a cluster; `scope`: "relay", "region" or "cluster".
  void set_incidents(const std::string& cluster, std::string_view scope, std::size_t open);

  // More families, written after these in each exposition by their owner.
  void write_also(std::function<void(Exposition&)> families);

  // At most a second old. Good until the next call of this or of on_time().
  [[nodiscard]] const std::string& exposition(ExpositionFormat format);
  // Lets go of text that is too old to be given out: megabytes that nobody needs between two scrapes. Each second or
  // so.
  void on_time();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace turnkeeper::monitor
