// Which region serves whose clients, as FleetHealth finds it out.
#include <algorithm>

#include "monitor/service/fleet_health.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr std::size_t remembered_failovers = 20;

}  // namespace

void FleetHealth::serve_again(const Cluster& cluster) {
  std::vector<RegionHealth> health;
  for (const auto& region : cluster.regions) {
    auto& to = health.emplace_back(RegionHealth{
        .name = region.name,
        .backups = region.backups,
        .relays = {},
        .external = region.external,
        .cost_per_gigabyte = region.cost_per_gigabyte,
    });
    const auto& verdicts = regions_[{cluster.name, region.name}].verdicts;
    for (std::size_t verdict = 0; verdict < verdicts.size(); ++verdict) {
      if (verdicts[verdict] > 0) to.relays.push_back(static_cast<api::Verdict>(verdict));
    }
  }
  for (const auto& region : cluster.regions) {
    auto& entry = regions_[{cluster.name, region.name}];
    if (region.external) {
      entry.served_by = region.name;  // it has no clients of its own to be moved
      continue;
    }
    const auto by = serving_region(health, region.name, cluster.provider_use);
    const bool is_new = !std::exchange(entry.served, true);
    if (!is_new && entry.served_by == by) continue;
    const auto from = std::exchange(entry.served_by, by);
    const bool returned = by == region.name;
    entry.cause = returned ? api::Cause::none : newest_cause(cluster, region.name);
    if (is_new && returned) continue;
    Failover failover{.at = clock_.system(),
                      .cluster = cluster.name,
                      .region = region.name,
                      .from = is_new ? region.name : from,
                      .to = by,
                      .cause = returned ? api::Cause::none : newest_cause(cluster, from.empty() ? region.name : from)};
    failovers_.push_front(failover);
    if (failovers_.size() > remembered_failovers) failovers_.pop_back();
    changes_.failovers.push_back(std::move(failover));
  }
}

api::Cause FleetHealth::newest_cause(const Cluster& cluster, const std::string& region) const {
  const Judgement* newest = nullptr;
  for (const auto& [id, record] : relays_) {
    if (id.cluster != cluster.name || id.region != region) continue;
    const auto& judgement = record.state.judgement;
    if (usable(judgement.verdict) || judgement.cause == api::Cause::none) continue;
    if (!newest || judgement.since > newest->since) newest = &judgement;
  }
  return newest ? newest->cause : api::Cause::none;
}

std::string FleetHealth::served_by(const std::string& cluster, const std::string& region) const {
  const auto found = regions_.find({cluster, region});
  return found == regions_.end() ? std::string() : found->second.served_by;
}

api::Cause FleetHealth::failover_cause(const std::string& cluster, const std::string& region) const {
  const auto found = regions_.find({cluster, region});
  return found == regions_.end() ? api::Cause::none : found->second.cause;
}

}  // namespace turnkeeper::monitor
