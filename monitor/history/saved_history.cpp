// History as JSON and back.
//   {"format": "turnkeeper-history", "version": 1, "saved": "2026-08-01T12:00:00Z",
//    "relays": [{"cluster": "c", "region": "r", "relay": "n", "segments": [[since, "Healthy", ""], ...],
//                "hours": [[first, count, up, down], ...]}, ...],
//    "failovers": [{"at": ..., "cluster": ..., "region": ..., "from": ..., "to": ..., "cause": ...}, ...]}
// Times of segments are Unix seconds. `hours`: runs of equal hours; first is Unix time / 1 h, up and down half seconds.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "monitor/history/history.hpp"

namespace turnkeeper::monitor {
namespace {

using Json = nlohmann::json;

constexpr const char* format = "turnkeeper-history";
constexpr int version = 1;

SystemTime from_seconds(std::int64_t seconds) {
  return SystemTime(std::chrono::seconds(seconds));
}

// A cause that this version does not know, from a file of a later one, is told as none.
api::Cause cause_of(const Json& name) {
  return api::parse_cause(name.get<std::string>()).value_or(api::Cause::none);
}

Json failover_json(const Failover& failover) {
  return {{"at", unix_seconds(failover.at)}, {"cluster", failover.cluster}, {"region", failover.region},
          {"from", failover.from},           {"to", failover.to},           {"cause", api::cause_name(failover.cause)}};
}

Failover read_failover(const Json& json) {
  return {.at = from_seconds(json.at("at")),
          .cluster = json.at("cluster"),
          .region = json.at("region"),
          .from = json.at("from"),
          .to = json.at("to"),
          .cause = cause_of(json.at("cause"))};
}

}  // namespace

std::string History::save() const {
  Json relays = Json::array();
  const auto add = [&](const auto& histories) {
    for (const auto& [id, history] : histories) {
      Json segments = Json::array();
      for (const auto& segment : history.segments_) {
        segments.push_back(
            {unix_seconds(segment.since), api::verdict_name(segment.verdict), api::cause_name(segment.cause)});
      }
      Json hours = Json::array();
      const auto size = static_cast<std::int64_t>(RelayHistory::most_hours);
      for (auto hour = history.last_hour_ - size + 1; !history.hours_.empty() && hour <= history.last_hour_; ++hour) {
        if (hour < 0) continue;
        const auto& counted = history.hours_[static_cast<std::size_t>(hour % size)];
        if (counted.up == 0 && counted.down == 0) continue;
        if (!hours.empty()) {
          auto& run = hours.back();
          const bool goes_on = run[0].get<std::int64_t>() + run[1].get<std::int64_t>() == hour;
          if (goes_on && run[2] == counted.up && run[3] == counted.down) {
            run[1] = run[1].get<std::int64_t>() + 1;
            continue;
          }
        }
        hours.push_back({hour, 1, counted.up, counted.down});
      }
      relays.push_back({{"cluster", id.cluster},
                        {"region", id.region},
                        {"relay", id.relay},
                        {"segments", std::move(segments)},
                        {"hours", std::move(hours)}});
    }
  };
  add(relays_);
  add(restored_);
  Json failovers = Json::array();
  for (const auto& failover : failovers_) failovers.push_back(failover_json(failover));
  return Json{{"format", format},
              {"version", version},
              {"saved", unix_seconds(clock_.system())},
              {"relays", std::move(relays)},
              {"failovers", std::move(failovers)}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<> History::restore(const std::string& saved) {
  std::map<RelayId, RelayHistory> relays;
  std::deque<Failover> failovers;
  try {
    const Json json = Json::parse(saved);
    if (json.at("format") != format) return fail("it is not the monitor's history");
    if (json.at("version") != version) {
      return fail(
          "its version is " + json.at("version").dump() + ", this program knows version " + std::to_string(version),
          "use a later version of the monitor");
    }
    const auto now = clock_.system();
    const auto saved_at = std::min(now, from_seconds(json.at("saved")));
    for (const auto& from : json.at("relays")) {
      auto& to = relays[{from.at("cluster"), from.at("region"), from.at("relay")}];
      for (const auto& segment : from.at("segments")) {
        const auto verdict = api::parse_verdict(segment.at(1).get<std::string>()).value_or(api::Verdict::unknown);
        const auto since = std::min(saved_at, from_seconds(segment.at(0)));
        to.judged(since, verdict, cause_of(segment.at(2)));
      }
      to.hours_.assign(RelayHistory::most_hours, {});
      to.last_hour_ = unix_seconds(now) / 3600;
      const auto size = static_cast<std::int64_t>(RelayHistory::most_hours);
      for (const auto& run : from.at("hours")) {
        const std::int64_t first = run.at(0);
        const std::int64_t count = std::min(run.at(1).get<std::int64_t>(), size);
        for (auto hour = std::max(first, to.last_hour_ - size + 1); hour < first + count && hour <= to.last_hour_;
             ++hour) {
          const auto units = [&](int at) {
            return static_cast<std::uint16_t>(
                std::clamp(run.at(at).get<std::int64_t>(), std::int64_t{0}, std::int64_t{7200}));
          };
          to.hours_[static_cast<std::size_t>(hour % size)] = {units(2), units(3)};
        }
      }
      // Nobody knows what happened since.
      to.judged(saved_at, api::Verdict::unknown, api::Cause::none);
    }
    for (const auto& from : json.at("failovers")) failovers.push_back(read_failover(from));
  } catch (const Json::exception& error) {
    return fail(std::string("it is damaged: ") + error.what());
  }
  // Relays that are there already are newer than what was saved.
  for (const auto& [id, present] : relays_) relays.erase(id);
  restored_ = std::move(relays);
  failovers_.insert(failovers_.end(), failovers.begin(), failovers.end());
  return {};
}

}  // namespace turnkeeper::monitor
