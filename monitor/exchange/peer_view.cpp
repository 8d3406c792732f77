#include "monitor/exchange/peer_view.hpp"

#include <algorithm>

#include "monitor/exchange/batch_proto.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr std::chrono::minutes window{1};

SystemTime system_time(const google::protobuf::Timestamp& timestamp) {
  return SystemTime(std::chrono::seconds(std::clamp<std::int64_t>(timestamp.seconds(), 0, 1LL << 32)) +
                    std::chrono::nanoseconds(std::clamp(timestamp.nanos(), 0, 999'999'999)));
}

}  // namespace

std::chrono::nanoseconds PeerView::held_up(std::chrono::nanoseconds uptime, SteadyTime received) {
  const std::chrono::nanoseconds on_the_way = received.time_since_epoch() - uptime;
  if (!swiftest_ || received - window_began_ >= window) {
    swiftest_before_ = swiftest_;
    swiftest_.reset();
    window_began_ = received;
  }
  swiftest_ = std::min(swiftest_.value_or(on_the_way), on_the_way);
  return on_the_way - std::min(*swiftest_, swiftest_before_.value_or(*swiftest_));
}

std::optional<PeerView::Heard> PeerView::take(const v1::ObservationBatch& batch, SteadyTime received,
                                              SystemTime received_system) {
  const auto uptime = duration_from_proto(batch.uptime());
  if (newest_uptime_ && uptime < *newest_uptime_) return std::nullopt;
  newest_uptime_ = uptime;
  const auto late = held_up(uptime, received);
  const SteadyTime made = received - std::chrono::duration_cast<SteadyTime::duration>(late);
  heard_ = std::max(heard_, made);
  clock_difference_ = system_time(batch.sent()) - (received_system - late);

  Heard heard;
  heard.seen.reserve(static_cast<std::size_t>(batch.observations_size()));
  std::set<RelayId> mentioned;
  for (const auto& observation : batch.observations()) {
    heard.seen.push_back(from_proto(observation, vantage_, made));
    mentioned.insert(heard.seen.back().id);
  }
  if (batch.complete()) {
    for (const auto& id : relays_) {
      if (mentioned.contains(id)) continue;
      heard.seen.push_back({id, {.vantage = vantage_, .at = made, .blind = true}});
    }
    relays_ = std::move(mentioned);
  } else {
    relays_.merge(mentioned);
  }
  for (const auto& memory : batch.memories()) {
    if (auto known = from_proto(memory, made)) heard.memories.push_back(std::move(*known));
  }
  return heard;
}

}  // namespace turnkeeper::monitor
