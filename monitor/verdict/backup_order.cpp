#include "monitor/verdict/backup_order.hpp"

#include <algorithm>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

bool is_clearly_nearer(const RegionDistance& one, const RegionDistance& other) {
  const auto margin = std::max({std::chrono::nanoseconds(5ms), other.round_trip / 5, one.off_by + other.off_by});
  return other.round_trip - one.round_trip > margin;
}

std::vector<std::string> own_regions(const Cluster& cluster) {
  std::vector<std::string> names;
  for (const auto& region : cluster.regions) {
    if (!region.external) names.push_back(region.name);
  }
  return names;
}

}  // namespace

std::map<std::string, RegionDistances> region_distances(std::span<const RegionRoundTrips> vantages) {
  std::map<std::string, RegionDistances> distances;
  for (const auto& vantage : vantages) {
    for (const auto& [from, off_by] : vantage) {
      for (const auto& [to, round_trip] : vantage) {
        const RegionDistance distance{round_trip, off_by};
        auto& nearest = distances[from].try_emplace(to, distance).first->second;
        if (off_by < nearest.off_by) nearest = distance;
      }
    }
  }
  return distances;
}

std::vector<std::string> nearest_first(std::span<const std::string> listed, std::span<const std::string> before,
                                       const RegionDistances& distances) {
  const auto is_measured = [&](const std::string& region) { return distances.contains(region); };
  const auto place = [&](const std::string& region) { return std::ranges::find(listed, region) - listed.begin(); };
  const auto end = std::ssize(listed);
  std::vector<std::string> waiting;
  std::ranges::copy_if(before, std::back_inserter(waiting),
                       [&](const auto& region) { return is_measured(region) && place(region) < end; });
  for (const auto& region : listed) {
    if (!is_measured(region) || std::ranges::count(waiting, region) > 0) continue;
    const auto later = std::ranges::find_if(waiting, [&](const auto& other) { return place(other) > place(region); });
    waiting.insert(later, region);
  }
  std::vector<std::string> order;
  while (!waiting.empty()) {
    // There is one: of what is clearly nearer than another, nothing is clearly nearer than the nearest.
    const auto next = std::ranges::find_if(waiting, [&](const auto& region) {
      return std::ranges::none_of(
          waiting, [&](const auto& other) { return is_clearly_nearer(distances.at(other), distances.at(region)); });
    });
    order.push_back(std::move(*next));
    waiting.erase(next);
  }
  return order;
}

std::vector<std::string> other_regions(const Cluster& cluster, const Region& region) {
  auto others = own_regions(cluster);
  std::erase(others, region.name);
  return others;
}

std::vector<std::string> backup_order(const Cluster& cluster, const Region& region) {
  if (!region.backups.empty()) return region.backups;
  auto order = region.nearest;
  for (auto& other : other_regions(cluster, region)) {
    if (std::ranges::count(order, other) == 0) order.push_back(std::move(other));
  }
  return order;
}

void remember_nearest(const Fleet& before, Fleet& now) {
  for (auto& cluster : now.clusters) {
    const auto was = std::ranges::find(before.clusters, cluster.name, &Cluster::name);
    if (was == before.clusters.end() || own_regions(*was) != own_regions(cluster)) continue;
    for (auto& region : cluster.regions) {
      const auto same = std::ranges::find(was->regions, region.name, &Region::name);
      if (same != was->regions.end()) region.nearest = same->nearest;
    }
  }
}

}  // namespace turnkeeper::monitor
