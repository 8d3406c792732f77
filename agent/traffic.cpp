#include "agent/traffic.hpp"

#include <sstream>
#include <string>

namespace turnkeeper::agent {
namespace {

constexpr auto window = std::chrono::seconds(60);

}  // namespace

// "  eth0: 123 4 0 0 0 0 0 0 567 8 ...": received bytes first, sent bytes ninth; two lines of headings above.
Result<Traffic> parse_net_dev(std::string_view text) {
  std::istringstream lines{std::string(text)};
  Traffic traffic;
  bool any = false;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t start = line.find_first_not_of(' ');
    std::istringstream numbers(line.substr(colon + 1));
    std::uint64_t received = 0;
    std::uint64_t skipped = 0;
    std::uint64_t sent = 0;
    numbers >> received;
    for (int i = 0; i < 7; ++i) numbers >> skipped;
    numbers >> sent;
    if (!numbers) return fail("a line of /proc/net/dev makes no sense: " + line);
    any = true;
    if (line.substr(start, colon - start) == "lo") continue;
    traffic.received_bytes += received;
    traffic.sent_bytes += sent;
  }
  if (!any) return fail("/proc/net/dev names no interface");
  return traffic;
}

void TrafficCounter::add(SteadyTime now, const Traffic& sample) {
  if (!first_) first_ = sample;
  window_.push_back({now, sample});
  while (window_.size() > 2 && now - window_[1].at >= window) window_.pop_front();
}

std::optional<Traffic> TrafficCounter::total() const {
  if (!first_) return std::nullopt;
  const Traffic& last = window_.back().traffic;
  return Traffic{last.sent_bytes - first_->sent_bytes, last.received_bytes - first_->received_bytes};
}

std::optional<std::uint64_t> TrafficCounter::bits_per_second() const {
  if (window_.size() < 2) return std::nullopt;
  const auto& [from, before] = window_.front();
  const auto& [until, now] = window_.back();
  const double seconds = std::chrono::duration<double>(until - from).count();
  if (seconds <= 0) return std::nullopt;
  const std::uint64_t bytes = now.sent_bytes - before.sent_bytes + now.received_bytes - before.received_bytes;
  return static_cast<std::uint64_t>(static_cast<double>(bytes) * 8 / seconds);
}

}  // namespace turnkeeper::agent
