#include "monitor/report/call_figures.hpp"

#include <algorithm>
#include <numeric>

namespace turnkeeper::monitor {
namespace {

using Type = Exposition::Type;
using Outcome = Report::Outcome;

constexpr auto unknown = "unknown";
constexpr std::size_t most_reasons = 16;

double seconds(std::chrono::milliseconds time) {
  return std::chrono::duration<double>(time).count();
}

bool was_tried(Outcome outcome) {
  return outcome != Outcome::abandoned;
}
bool was_connected(Outcome outcome) {
  return outcome == Outcome::connected || outcome == Outcome::lost;
}

std::string address(const std::string& host, std::uint16_t port) {
  return host + ':' + std::to_string(port);
}

// Between two bounds, values are taken to be spread evenly; beyond the last, to be the last.
template <std::size_t N>
std::optional<double> quantile(double part, const std::array<double, N>& bounds,
                               const std::array<std::uint64_t, N + 1>& counts) {
  const auto total = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  if (total == 0) return std::nullopt;
  auto rank = part * static_cast<double>(total);
  for (std::size_t i = 0; i < N; ++i) {
    const auto count = static_cast<double>(counts[i]);
    const auto from = i == 0 ? 0.0 : bounds[i - 1];
    if (count >= rank) return from + (bounds[i] - from) * (rank / count);
    rank -= count;
  }
  return bounds.back();
}

}  // namespace

CallFigures::CallFigures(const std::string& vantage, const Clock& clock)
    : clock_(clock), vantage_(label("vantage", vantage)) {}

void CallFigures::set_fleet(const Fleet& fleet) {
  known_.clear();
  addresses_.clear();
  std::set<std::string> clusters{unknown};
  std::set<RelayId> relays{{unknown, unknown, unknown}};
  const auto found_at = [&](const std::string& where, const RelayId& id) {
    const auto [entry, added] = addresses_.try_emplace(where, id);
    if (!added && entry->second != id) entry->second.reset();
  };
  for (const auto& cluster : fleet.clusters) {
    clusters.insert(cluster.name);
    for (const auto& region : cluster.regions) {
      known_.insert({cluster.name, region.name});
      for (const auto& relay : region.relays) {
        const RelayId id{cluster.name, region.name, relay.name};
        relays.insert(id);
        for (const auto& host : relay.public_addresses) found_at(host, id);
        for (const auto& uri : relay.uris) {
          found_at(uri.host, id);
          found_at(address(uri.host, uri.port.value_or(uri.default_port())), id);
        }
      }
    }
  }
  std::erase_if(regions_, [&](const auto& entry) {
    const auto& [cluster, region] = entry.first;
    return !known_.contains(entry.first) && !(clusters.contains(cluster) && region == unknown);
  });
  std::erase_if(relays_, [&](const auto& entry) { return !relays.contains(entry.first); });
}

CallFigures::RegionKey CallFigures::region_of(const Report& report) const {
  if (known_.contains({report.cluster, report.region})) return {report.cluster, report.region};
  const auto of_cluster = known_.lower_bound({report.cluster, ""});
  const bool cluster_is_known = of_cluster != known_.end() && of_cluster->first == report.cluster;
  return {cluster_is_known ? report.cluster : unknown, unknown};
}

RelayId CallFigures::relay_of(const Report& report) const {
  auto where = report.relay;
  if (const auto uri = turn::Uri::parse(where)) {
    where = address(uri->host, uri->port.value_or(uri->default_port()));
  } else if (const auto colon = where.rfind(':'); colon != std::string::npos) {
    where.resize(colon);  // the port of a relayed address says nothing
    if (where.starts_with('[') && where.ends_with(']')) where = where.substr(1, where.size() - 2);
  }
  const auto found = addresses_.find(where);
  if (found != addresses_.end() && found->second) return *found->second;
  return {unknown, unknown, unknown};
}

void CallFigures::count(const Report& report) {
  auto& region = regions_[region_of(report)];
  const auto outcome = outcome_name(report.outcome);
  ++region.connections[{outcome, candidate_name(report.candidate)}];
  if (report.connect) region.connect.observe(seconds(*report.connect));
  if (report.rtt) region.rtts.observe(seconds(*report.rtt));
  for (const auto gap : report.gaps) region.gaps.observe(seconds(gap));
  region.restarts += report.restarts;
  if (!report.relay.empty()) ++relays_[relay_of(report)][{report.relay_protocol, outcome}];
  count_today(report);
}

void CallFigures::refused(std::string_view reason) {
  const std::string key(reason);
  if (refused_.size() < most_reasons || refused_.contains(key)) ++refused_[key];
}

void CallFigures::count_today(const Report& report) {
  if (!was_tried(report.outcome)) return;
  const auto now = unix_seconds(clock_.system()) / 3600;
  auto& hour = hours_[static_cast<std::size_t>(now) % hours_.size()];
  if (hour.hour != now) hour = {.hour = now};
  ++hour.tried;
  if (was_connected(report.outcome)) ++hour.connected;
  if (report.connect) hour.connect.observe(seconds(*report.connect));
}

CallDay CallFigures::last_day() const {
  const auto now = unix_seconds(clock_.system()) / 3600;
  const auto size = static_cast<std::int64_t>(hours_.size());
  CallDay day;
  std::array<std::uint64_t, connect_bounds.size() + 1> counts{};
  for (const auto& hour : hours_) {
    if (hour.hour <= now - size || hour.hour > now) continue;
    day.tried += hour.tried;
    day.connected += hour.connected;
    const auto& more = hour.connect.counts();
    std::ranges::transform(counts, more, counts.begin(), std::plus<>());
  }
  if (const auto p95 = quantile(0.95, connect_bounds, counts)) {
    day.connect_p95 = std::chrono::milliseconds(static_cast<std::int64_t>(*p95 * 1000));
  }
  return day;
}

std::string CallFigures::region_labels(const RegionKey& region) const {
  return label("cluster", region.first) + ',' + label("region", region.second) + ',' + vantage_;
}

void CallFigures::write(Exposition& text) const {
  const auto each_region = [&](std::string_view name, Type type, std::string_view help, auto write_region) {
    text.family(name, type, help);
    for (const auto& [key, region] : regions_) write_region(region_labels(key), region);
  };
  each_region("turnkeeper_client_connections", Type::counter, "Calls that clients told of, by how they ended.",
              [&](const std::string& labels, const Region& region) {
                for (const auto& [of, count] : region.connections) {
                  text.sample(labels, label("result", of.first) + ',' + label("candidate", of.second),
                              static_cast<double>(count));
                }
              });
  const auto histogram = [&](const std::string& labels, const auto& of) {
    text.histogram(labels, of.bounds(), of.counts(), of.sum());
  };
  each_region("turnkeeper_client_connect_seconds", Type::histogram,
              "From a call's first negotiation to its connection, as clients told.",
              [&](const std::string& labels, const Region& region) { histogram(labels, region.connect); });
  each_region("turnkeeper_client_gap_seconds", Type::histogram,
              "From the first sign of trouble in a call to its new path, as clients told.",
              [&](const std::string& labels, const Region& region) { histogram(labels, region.gaps); });
  each_region("turnkeeper_client_rtt_seconds", Type::histogram, "Mean round trip of a call, as clients told.",
              [&](const std::string& labels, const Region& region) { histogram(labels, region.rtts); });
  each_region("turnkeeper_client_restarts", Type::counter, "ICE restarts that clients told of.",
              [&](const std::string& labels, const Region& region) {
                text.sample(labels, static_cast<double>(region.restarts));
              });
  text.family("turnkeeper_client_relay_connections", Type::counter,
              "Calls whose last path led over a relay, by how they ended.");
  for (const auto& [id, connections] : relays_) {
    const auto labels = label("cluster", id.cluster) + ',' + label("region", id.region) + ',' +
                        label("relay", id.relay) + ',' + vantage_;
    for (const auto& [of, count] : connections) {
      text.sample(labels, label("transport", of.first) + ',' + label("result", of.second), static_cast<double>(count));
    }
  }
  text.family("turnkeeper_client_reports_rejected", Type::counter, "Reports of clients that were refused.");
  for (const auto& [reason, count] : refused_) {
    text.sample(vantage_, label("reason", reason), static_cast<double>(count));
  }
}

}  // namespace turnkeeper::monitor
