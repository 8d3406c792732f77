#include "operator/link/health_board.hpp"

#include <set>

namespace turnkeeper::op {
namespace {

// A vantage that is not heard for this long was removed, or renamed.
constexpr std::chrono::minutes forgotten_after{10};
constexpr std::chrono::seconds numbers_every{10};

std::set<std::string> clusters_in(const v1::HealthReport& report) {
  std::set<std::string> names;
  for (const auto& relay : report.relays()) names.insert(relay.cluster());
  for (const auto& provider : report.providers()) names.insert(provider.cluster());
  return names;
}

}  // namespace

bool HealthBoard::report(v1::HealthReport report, const std::string& only) {
  std::set<std::string> changed;
  bool spoke_of_others = false;
  {
    std::lock_guard lock(mutex_);
    const SteadyTime now = clock_.steady();
    std::erase_if(heard_, [&](const auto& entry) { return now - entry.second.at > forgotten_after; });
    Heard& slot = heard_[report.vantage()];
    const bool was_fresh = slot.at != SteadyTime() && now - slot.at < report_lifetime;
    auto names = clusters_in(report);
    names.merge(clusters_in(slot.report));
    if (!only.empty()) spoke_of_others = std::erase_if(names, [&](const auto& name) { return name != only; }) > 0;
    std::erase_if(told_, [&](const auto& entry) { return now - entry.second.at > forgotten_after; });
    for (const auto& name : names) {
      const auto before = vantage_report(slot.report, name, {});
      const auto after = vantage_report(report, name, {});
      Told& told = told_[name];
      const bool urgent = !was_fresh || !differ_in_numbers_only(before, after);
      if (before.facts != after.facts) told.numbers_pending = true;
      if (!urgent && !(told.numbers_pending && now - told.at >= numbers_every)) continue;
      told = {.at = now};
      changed.insert(name);
    }
    slot = {std::move(report), now, only};
  }
  for (const auto& name : changed) on_change_(name);
  return !spoke_of_others;
}

std::vector<VantageReport> HealthBoard::reports(const std::string& cluster) const {
  std::lock_guard lock(mutex_);
  std::vector<VantageReport> out;
  for (const auto& [vantage, heard] : heard_) {
    if (!heard.only.empty() && heard.only != cluster) continue;
    // Aged by the steady clock: a jump of the wall clock must neither revive nor bury a vantage.
    const auto age = std::chrono::duration_cast<SystemTime::duration>(clock_.steady() - heard.at);
    auto report = vantage_report(heard.report, cluster, clock_.system() - age);
    if (!report.relays.empty() || !report.providers.empty()) out.push_back(std::move(report));
  }
  return out;
}

}  // namespace turnkeeper::op
