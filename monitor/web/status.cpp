#include "monitor/web/status.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace turnkeeper::monitor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t most_waiting = 20;

// Milliseconds with microseconds as decimals: what people compare relays by, without false precision.
double milliseconds(std::chrono::nanoseconds time) {
  return std::round(std::chrono::duration<double, std::micro>(time).count()) / 1000;
}

Json cause_fields(api::Cause cause, const std::string& detail) {
  return {{"cause", api::cause_name(cause)},
          {"detail", detail},
          {"advice", api::cause_advice(cause)},
          {"runbook", api::runbook_anchor(cause)}};
}

Json probe_json(const ProbeResult& probe) {
  Json phases = Json::object();
  for (const auto& [phase, time] : probe.phases) phases[std::string(phase_name(phase))] = milliseconds(time);
  Json json{{"ok", probe.ok}};
  json.update(cause_fields(probe.cause, probe.detail));
  json["finished"] = rfc3339(probe.finished);
  json["totalMs"] = milliseconds(probe.total);
  json["phases"] = std::move(phases);
  return json;
}

// What cannot be told from the probe's own fields in probe_json().
Json transport_json(const ProbeResult& probe) {
  Json json{{"transport", turn::protocol_name(probe.endpoint.protocol)}, {"server", probe.server}};
  json.update(probe_json(probe));
  if (probe.certificate) {
    json["certificate"] = {{"expires", rfc3339(probe.certificate->not_after)}, {"subject", probe.certificate->subject}};
  }
  if (!probe.tls_version.empty()) json["tlsVersion"] = probe.tls_version;
  if (probe.resumed) json["resumed"] = true;
  return json;
}

Json vote_json(const Vote& vote) {
  return {{"vantage", vote.vantage},
          {"usable", vote.usable},
          {"blind", vote.blind},
          {"cause", api::cause_name(vote.cause)},
          {"ageSeconds", std::chrono::duration_cast<std::chrono::seconds>(vote.age).count()}};
}

Json incident_json(const Incident& incident) {
  Json relays = Json::array();
  for (const auto& id : incident.relays) {
    if (relays.size() < 50) relays.push_back({{"region", id.region}, {"name", id.relay}});
  }
  Json json{{"key", incident.key},
            {"scope", scope_name(incident.scope)},
            {"cluster", incident.cluster},
            {"region", incident.region},
            {"verdict", api::verdict_name(incident.verdict)}};
  json.update(cause_fields(incident.cause, incident.detail));
  json["started"] = rfc3339(incident.started);
  json["relays"] = std::move(relays);
  json["relayCount"] = incident.relays.size();
  json["relaysInScope"] = incident.relays_in_scope;
  return json;
}

Json relay_json(const RelayStatus& relay) {
  Json json{{"name", relay.name}, {"address", relay.address}, {"verdict", api::verdict_name(relay.verdict)}};
  json.update(cause_fields(relay.cause, relay.detail));
  json["since"] = rfc3339(relay.since);
  json["echoMs"] = relay.echo ? Json(milliseconds(*relay.echo)) : Json(nullptr);
  json["lossPercent"] = std::round(relay.loss_percent * 10) / 10;
  json["probe"] = relay.probe ? probe_json(*relay.probe) : Json(nullptr);
  json["probes"] = Json::array();
  for (const auto& probe : relay.probes) json["probes"].push_back(transport_json(probe));
  json["votes"] = Json::array();
  for (const auto& vote : relay.votes) json["votes"].push_back(vote_json(vote));
  if (relay.agent && relay.agent->sessions) json["sessions"] = *relay.agent->sessions;
  if (relay.agent && !relay.agent->version.empty()) json["version"] = relay.agent->version;
  return json;
}

Json key_json(const KeyTrial& trial) {
  Json waiting = Json::array();
  for (const auto& relay : trial.waiting) {
    if (waiting.size() < most_waiting) waiting.push_back(relay);
  }
  return {{"key", trial.key},
          {"phase", trial.must_accept ? "Staged" : "Removed"},
          {"proven", trial.relays - trial.waiting.size()},
          {"of", trial.relays},
          {"waiting", std::move(waiting)}};
}

Json past_json(const std::string& name, const RelayHistory& past, SystemTime now) {
  const auto percent = [&](std::chrono::seconds window) -> Json {
    const auto value = past.uptime(now, window).percent();
    // Rounded down: what fell short is never shown as if it had not.
    return value ? Json(std::floor(*value * 1000) / 1000) : Json(nullptr);
  };
  Json segments = Json::array();
  for (const auto& segment : past.segments(now)) {
    segments.push_back(
        {unix_seconds(segment.since), api::verdict_name(segment.verdict), api::cause_name(segment.cause)});
  }
  Json points = Json::array();
  const auto rounded = [](double value, double steps) { return std::round(value * steps) / steps; };
  for (const auto& point : past.points(now)) {
    const int sent = point.received + point.lost;
    if (sent == 0) {
      points.push_back(nullptr);
      continue;
    }
    points.push_back({rounded(point.min_ms, 1000), rounded(point.mean_ms, 1000), rounded(point.max_ms, 1000),
                      rounded(100.0 * point.lost / sent, 10)});
  }
  return {{"name", name},
          {"uptime",
           {{"day", percent(RelayHistory::day)},
            {"week", percent(7 * RelayHistory::day)},
            {"month", percent(30 * RelayHistory::day)}}},
          {"segments", std::move(segments)},
          {"pointSeconds", RelayHistory::point_length.count()},
          {"points", std::move(points)}};
}

// Details quote what servers sent, which need not be UTF-8.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json failover_json(const Failover& failover) {
  return {{"at", rfc3339(failover.at)}, {"cluster", failover.cluster}, {"region", failover.region},
          {"from", failover.from},      {"to", failover.to},           {"cause", api::cause_name(failover.cause)}};
}

// Rounded down: what fell short is never shown as if it had not.
Json calls_json(const CallDay& calls) {
  if (calls.tried == 0) return nullptr;
  const auto part = static_cast<double>(calls.connected) / static_cast<double>(calls.tried);
  return {{"tried", calls.tried},
          {"connectedPercent", std::floor(part * 1000) / 10},
          {"connectP95Ms", calls.connect_p95 ? Json(calls.connect_p95->count()) : Json(nullptr)}};
}

}  // namespace

std::string status_json(const Status& status) {
  Json clusters = Json::array();
  for (const auto& cluster : status.clusters) {
    Json regions = Json::array();
    for (const auto& region : cluster.regions) {
      Json relays = Json::array();
      for (const auto& relay : region.relays) relays.push_back(relay_json(relay));
      regions.push_back({{"name", region.name}, {"servedBy", region.served_by}, {"relays", std::move(relays)}});
    }
    Json keys = Json::array();
    for (const auto& trial : cluster.keys) keys.push_back(key_json(trial));
    clusters.push_back({{"name", cluster.name}, {"regions", std::move(regions)}, {"keys", std::move(keys)}});
  }
  Json failovers = Json::array();
  for (const auto& failover : status.failovers) failovers.push_back(failover_json(failover));
  Json incidents = Json::array();
  for (const auto& incident : status.incidents) incidents.push_back(incident_json(incident));
  return dump({{"vantage", status.vantage},
               {"blind", status.blind},
               {"clusters", std::move(clusters)},
               {"failovers", std::move(failovers)},
               {"incidents", std::move(incidents)},
               {"calls", calls_json(status.calls)}});
}

std::string history_json(const Fleet& fleet, const History& history, const std::string& cluster,
                         const std::string& region, SystemTime now, double goal) {
  Json relays = Json::array();
  for (const auto& of_cluster : fleet.clusters) {
    if (of_cluster.name != cluster) continue;
    for (const auto& of_region : of_cluster.regions) {
      if (of_region.name != region) continue;
      for (const auto& relay : of_region.relays) {
        const auto* past = history.relay({cluster, region, relay.name});
        if (past) relays.push_back(past_json(relay.name, *past, now));
      }
    }
  }
  Json failovers = Json::array();
  for (const auto& failover : history.failovers()) failovers.push_back(failover_json(failover));
  return dump(
      {{"now", unix_seconds(now)}, {"goal", goal}, {"relays", std::move(relays)}, {"failovers", std::move(failovers)}});
}

}  // namespace turnkeeper::monitor
