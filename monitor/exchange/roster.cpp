#include "monitor/exchange/roster.hpp"

#include <algorithm>

namespace turnkeeper::monitor {
namespace {

constexpr std::chrono::seconds standstill{1};

}  // namespace

const Roster::Entry* Roster::find(const std::string& vantage) const {
  const auto found = entries_.find(vantage);
  return found == entries_.end() ? nullptr : &found->second;
}

bool Roster::admit(const std::string& vantage, const std::string& instance) {
  auto& entry = entries_.try_emplace(vantage, Entry{instance, PeerView(vantage)}).first->second;
  if (entry.instance == instance) return false;
  PeerView successor(vantage);
  successor.inherit(entry.view);
  entry = {instance, std::move(successor)};
  return true;
}

std::optional<PeerView::Heard> Roster::take(const std::string& vantage, const std::string& instance,
                                            const v1::ObservationBatch& batch, SteadyTime received,
                                            SystemTime received_system) {
  const auto found = entries_.find(vantage);
  if (found == entries_.end() || found->second.instance != instance) return std::nullopt;
  return found->second.view.take(batch, received, received_system);
}

std::vector<std::string> Roster::silent(SteadyTime now, std::chrono::nanoseconds freshness) {
  if (asked_ && now - *asked_ > standstill) awake_ = now;
  asked_ = now;
  std::vector<std::string> silent;
  for (const auto& [vantage, entry] : entries_) {
    if (now - std::max(entry.view.heard(), awake_) > freshness) silent.push_back(vantage);
  }
  return silent;
}

std::optional<std::chrono::nanoseconds> Roster::clock_difference() const {
  std::vector<std::chrono::nanoseconds> differences;
  for (const auto& [vantage, entry] : entries_) differences.push_back(entry.view.clock_difference());
  if (differences.empty()) return std::nullopt;
  const auto middle = differences.begin() + static_cast<std::ptrdiff_t>(differences.size() / 2);
  std::ranges::nth_element(differences, middle);
  return *middle;
}

}  // namespace turnkeeper::monitor
