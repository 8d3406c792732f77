#include "monitor/history/relay_history.hpp"

#include <algorithm>
#include <limits>

namespace turnkeeper::monitor {
namespace {

constexpr std::int64_t hour_seconds = 3600;
constexpr int units_per_second = 2;
constexpr auto full_hour = static_cast<std::uint16_t>(hour_seconds * units_per_second);

std::size_t place(std::int64_t index, std::size_t size) {
  return static_cast<std::size_t>(index % static_cast<std::int64_t>(size));
}

// Of two neighbours that become one, what must not be overlooked.
int weight(api::Verdict verdict) {
  switch (verdict) {
    case api::Verdict::unhealthy:
      return 4;
    case api::Verdict::degraded:
      return 3;
    case api::Verdict::draining:
      return 2;
    case api::Verdict::unknown:
      return 1;
    case api::Verdict::healthy:
      break;
  }
  return 0;
}

// Makes `index` the newest place of a ring. A clock that was set back a little stays in the newest place, one that was
// set back far, or forward, loses what was there.
template <class Entry>
std::int64_t turn_to(std::vector<Entry>& ring, std::size_t size, std::int64_t newest, std::int64_t index) {
  const auto far = static_cast<std::int64_t>(size);
  if (ring.empty() || index - newest >= far || newest - index > 4) {
    ring.assign(size, Entry{});
    return index;
  }
  for (; newest < index; ++newest) ring[place(newest + 1, size)] = Entry{};
  return newest;
}

}  // namespace

std::optional<double> RelayHistory::Uptime::percent() const {
  const auto known = up + down;
  if (known.count() == 0) return std::nullopt;
  return 100.0 * static_cast<double>(up.count()) / static_cast<double>(known.count());
}

RelayHistory::Point& RelayHistory::point(SystemTime now) {
  last_point_ = turn_to(points_, most_points, last_point_, unix_seconds(now) / point_length.count());
  return points_[place(last_point_, most_points)];
}

void RelayHistory::echoed(SystemTime now, std::chrono::nanoseconds round_trip) {
  auto& to = point(now);
  const float ms = std::chrono::duration<float, std::milli>(round_trip).count();
  to.min_ms = to.received == 0 ? ms : std::min(to.min_ms, ms);
  to.max_ms = std::max(to.max_ms, ms);
  if (to.received < std::numeric_limits<std::uint16_t>::max()) ++to.received;
  to.mean_ms += (ms - to.mean_ms) / static_cast<float>(to.received);
}

void RelayHistory::echo_lost(SystemTime now) {
  auto& to = point(now);
  if (to.lost < std::numeric_limits<std::uint16_t>::max()) ++to.lost;
}

void RelayHistory::judged(SystemTime now, api::Verdict verdict, api::Cause cause) {
  if (!segments_.empty()) {
    auto& last = segments_.back();
    if (last.verdict == verdict && last.cause == cause) return;
    now = std::max(now, last.since);  // however the wall clock jumps, the order stays
    if (last.since == now) segments_.pop_back();
  }
  if (segments_.size() >= most_segments) merge_segments();
  if (segments_.capacity() < most_segments && segments_.size() >= most_segments / 2) segments_.reserve(most_segments);
  segments_.push_back({now, verdict, cause});
  while (segments_.size() > 1 && segments_[1].since <= now - day) segments_.erase(segments_.begin());
}

void RelayHistory::merge_segments() {
  // The shortest one but the last, which is still growing, becomes part of the one before it.
  std::size_t shortest = 1;
  auto length = SystemTime::duration::max();
  for (std::size_t i = 1; i + 1 < segments_.size(); ++i) {
    const auto lasted = segments_[i + 1].since - segments_[i].since;
    if (lasted < length) {
      length = lasted;
      shortest = i;
    }
  }
  auto& before = segments_[shortest - 1];
  const auto& merged = segments_[shortest];
  if (weight(merged.verdict) > weight(before.verdict)) {
    before.verdict = merged.verdict;
    before.cause = merged.cause;
  }
  segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(shortest));
}

void RelayHistory::count(SystemTime now, std::chrono::nanoseconds elapsed) {
  if (segments_.empty() || elapsed.count() <= 0) return;
  last_hour_ = turn_to(hours_, most_hours, last_hour_, unix_seconds(now) / hour_seconds);
  const auto verdict = segments_.back().verdict;
  const bool up = verdict == api::Verdict::healthy || verdict == api::Verdict::degraded;
  if (!up && verdict != api::Verdict::unhealthy) return;
  auto& to = hours_[place(last_hour_, most_hours)];
  auto& units = up ? to.up : to.down;
  const auto add = std::chrono::round<std::chrono::duration<std::int64_t, std::ratio<1, units_per_second>>>(elapsed);
  // A wall clock that was set back sees an hour twice.
  units = static_cast<std::uint16_t>(std::min<std::int64_t>(full_hour, units + add.count()));
}

std::vector<RelayHistory::Segment> RelayHistory::segments(SystemTime now) const {
  std::vector<Segment> out(segments_.begin(), segments_.end());
  const auto first = std::ranges::find_if(out, [&](const Segment& segment) { return segment.since > now - day; });
  if (first - out.begin() > 1) out.erase(out.begin(), first - 1);
  return out;
}

std::vector<RelayHistory::Point> RelayHistory::points(SystemTime now) const {
  if (points_.empty()) return {};
  const auto size = static_cast<std::int64_t>(most_points);
  const auto end = std::max(unix_seconds(now) / point_length.count(), last_point_);
  std::vector<Point> out(most_points);
  for (auto index = std::max(end, size) - size + 1; index <= last_point_; ++index) {
    out[static_cast<std::size_t>(index - end + size - 1)] = points_[place(index, most_points)];
  }
  const auto echoed = [](const Point& point) { return point.received + point.lost > 0; };
  out.erase(out.begin(), std::ranges::find_if(out, echoed));
  return out;
}

RelayHistory::Uptime RelayHistory::uptime(SystemTime now, std::chrono::seconds window) const {
  Uptime out;
  if (hours_.empty()) return out;
  const auto last = std::max(unix_seconds(now) / hour_seconds, last_hour_);
  const auto count = std::min<std::int64_t>(window.count() / hour_seconds, static_cast<std::int64_t>(most_hours));
  std::int64_t up = 0;
  std::int64_t down = 0;
  for (auto hour = std::max(last, count) - count + 1; hour <= last_hour_; ++hour) {
    up += hours_[place(hour, most_hours)].up;
    down += hours_[place(hour, most_hours)].down;
  }
  out.up = std::chrono::seconds(up / units_per_second);
  out.down = std::chrono::seconds(down / units_per_second);
  return out;
}

}  // namespace turnkeeper::monitor
