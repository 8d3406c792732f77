#include "monitor/exchange/batch_proto.hpp"

#include <algorithm>

namespace turnkeeper::monitor {
namespace {

constexpr std::int64_t ten_years = 10LL * 366 * 24 * 3600;

void key_to_proto(const RelayId& id, v1::RelayKey& to) {
  to.set_cluster(id.cluster);
  to.set_region(id.region);
  to.set_relay(id.relay);
}

RelayId key_from_proto(const v1::RelayKey& from) {
  return {from.cluster(), from.region(), from.relay()};
}

// From 1 on, since 0 says nothing; what is longer than a minute is a minute.
std::uint32_t microseconds(std::chrono::nanoseconds time) {
  using std::chrono::microseconds;
  const auto whole = std::chrono::ceil<microseconds>(time);
  return static_cast<std::uint32_t>(std::clamp<microseconds>(whole, microseconds(1), std::chrono::minutes(1)).count());
}

}  // namespace

google::protobuf::Duration duration_to_proto(std::chrono::nanoseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  google::protobuf::Duration to;
  to.set_seconds(seconds.count());
  to.set_nanos(static_cast<std::int32_t>((duration - seconds).count()));
  return to;
}

std::chrono::nanoseconds duration_from_proto(const google::protobuf::Duration& duration) {
  if (duration.seconds() < 0 || duration.nanos() < 0) return {};
  return std::chrono::seconds(std::min<std::int64_t>(duration.seconds(), ten_years)) +
         std::chrono::nanoseconds(std::min(duration.nanos(), 999'999'999));
}

bool keep_only_cluster(const std::string& cluster, v1::ObservationBatch& batch) {
  const auto keep_of = [&](auto* entries) {
    const auto first = std::remove_if(entries->begin(), entries->end(),
                                      [&](const auto& entry) { return entry.key().cluster() != cluster; });
    const bool any = first != entries->end();
    entries->erase(first, entries->end());
    return any;
  };
  if (batch.has_hello()) {
    auto* names = batch.mutable_hello()->mutable_clusters();
    names->erase(std::remove_if(names->begin(), names->end(), [&](const auto& name) { return name != cluster; }),
                 names->end());
  }
  const bool observations = keep_of(batch.mutable_observations());
  const bool memories = keep_of(batch.mutable_memories());
  return observations || memories;
}

void to_proto(const RelayId& id, const Observation& observation, SteadyTime now, v1::RelayObservation& to) {
  key_to_proto(id, *to.mutable_key());
  to.set_usable(observation.usable);
  to.set_cause(std::string(api::cause_name(observation.cause)));
  to.set_detail(observation.detail);
  to.set_blind(observation.blind);
  *to.mutable_age() = duration_to_proto(std::max(now - observation.at, SteadyTime::duration::zero()));
  if (observation.round_trip) to.set_round_trip_us(microseconds(*observation.round_trip));
}

void to_proto(const RelayMemory& memory, SteadyTime now, v1::RelayMemory& to) {
  key_to_proto(memory.id, *to.mutable_key());
  to.set_verdict(std::string(api::verdict_name(memory.verdict)));
  to.set_cause(std::string(api::cause_name(memory.cause)));
  to.set_detail(memory.detail);
  *to.mutable_since() = duration_to_proto(now - memory.since);
  to.set_falls(static_cast<std::uint32_t>(std::max(memory.falls, 0)));
  if (memory.usable_since) *to.mutable_usable_for() = duration_to_proto(now - *memory.usable_since);
}

SeenRelay from_proto(const v1::RelayObservation& from, const std::string& vantage, SteadyTime made) {
  const std::chrono::microseconds round_trip{from.round_trip_us()};
  return {.id = key_from_proto(from.key()),
          .observation = {.vantage = vantage,
                          .usable = from.usable(),
                          .cause = api::parse_cause(from.cause()).value_or(api::Cause::none),
                          .detail = from.detail(),
                          .at = made - duration_from_proto(from.age()),
                          .blind = from.blind(),
                          .round_trip = from.round_trip_us() > 0 ? std::optional(round_trip) : std::nullopt}};
}

std::optional<RelayMemory> from_proto(const v1::RelayMemory& from, SteadyTime made) {
  const auto verdict = api::parse_verdict(from.verdict());
  if (!verdict) return std::nullopt;
  RelayMemory memory{.id = key_from_proto(from.key()),
                     .verdict = *verdict,
                     .cause = api::parse_cause(from.cause()).value_or(api::Cause::none),
                     .detail = from.detail(),
                     .since = made - duration_from_proto(from.since()),
                     .falls = static_cast<int>(std::min<std::uint32_t>(from.falls(), 1'000))};
  if (from.has_usable_for()) memory.usable_since = made - duration_from_proto(from.usable_for());
  return memory;
}

}  // namespace turnkeeper::monitor
