#include "monitor/web/status.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace turnkeeper::monitor {
namespace {

using Json = nlohmann::ordered_json;

// Milliseconds with microseconds as decimals: what people compare relays by, without false precision.
double milliseconds(std::chrono::nanoseconds time) {
  return std::round(std::chrono::duration<double, std::micro>(time).count()) / 1000;
}

Json cause_fields(api::Cause cause, const std::string& detail) {
  return {{"cause", api::cause_name(cause)}, {"detail", detail}, {"advice", api::cause_advice(cause)}};
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

Json relay_json(const RelayStatus& relay) {
  Json json{{"name", relay.name}, {"address", relay.address}, {"verdict", api::verdict_name(relay.verdict)}};
  json.update(cause_fields(relay.cause, relay.detail));
  json["since"] = rfc3339(relay.since);
  json["echoMs"] = relay.echo ? Json(milliseconds(*relay.echo)) : Json(nullptr);
  json["lossPercent"] = std::round(relay.loss_percent * 10) / 10;
  json["probe"] = relay.probe ? probe_json(*relay.probe) : Json(nullptr);
  return json;
}

Json failover_json(const Failover& failover) {
  return {{"at", rfc3339(failover.at)}, {"cluster", failover.cluster}, {"region", failover.region},
          {"from", failover.from},      {"to", failover.to},           {"cause", api::cause_name(failover.cause)}};
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
    clusters.push_back({{"name", cluster.name}, {"regions", std::move(regions)}});
  }
  Json failovers = Json::array();
  for (const auto& failover : status.failovers) failovers.push_back(failover_json(failover));
  // Details quote what servers sent, which need not be UTF-8.
  return Json{{"vantage", status.vantage}, {"clusters", std::move(clusters)}, {"failovers", std::move(failovers)}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace turnkeeper::monitor
