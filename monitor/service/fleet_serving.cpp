// Which region serves whose clients, as FleetHealth finds it out.
#include <algorithm>

#include "monitor/service/fleet_health.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t remembered_failovers = 20;
// From a change of the fleet on, or from a new vantage's first word: until its first echoes are told of.
constexpr auto first_order = 2s;
constexpr auto order_every = 10s;

}  // namespace

void FleetHealth::serve_again(const Cluster& cluster) {
  std::vector<RegionHealth> health;
  for (const auto& region : cluster.regions) {
    auto& to = health.emplace_back(RegionHealth{
        .name = region.name,
        .backups = backup_order(cluster, region),
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

void FleetHealth::order_soon() {
  order_at_ = clock_.steady() + first_order;
}

void FleetHealth::order_again(SteadyTime now) {
  if (!order_at_ || now < *order_at_) return;
  order_at_ = now + order_every;
  std::map<std::string, std::vector<RegionRoundTrips>> measured;
  for (const auto& [id, record] : relays_) {
    if (record.external) continue;
    auto& vantages = measured[id.cluster];
    vantages.resize(vantages_.size());
    const auto add = [&](std::uint32_t vantage, std::optional<std::chrono::nanoseconds> round_trip) {
      if (!round_trip) return;
      auto& least = vantages[vantage].try_emplace(id.region, *round_trip).first->second;
      least = std::min(least, *round_trip);
    };
    add(own, record.least_round_trip.value());
    for (const auto& seen : record.seen) {
      if (seen.vantage != own) add(seen.vantage, seen.observation.round_trip);
    }
  }
  distances_.clear();
  for (auto& cluster : fleet_.clusters) {
    auto& distances = distances_[cluster.name] = region_distances(measured[cluster.name]);
    bool is_new = false;
    for (auto& region : cluster.regions) {
      if (region.external) continue;
      const auto before = backup_order(cluster, region);
      region.nearest = nearest_first(other_regions(cluster, region), region.nearest, distances[region.name]);
      is_new = is_new || backup_order(cluster, region) != before;
    }
    if (!is_new) continue;
    changes_.backups = true;
    serve_again(cluster);
  }
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
