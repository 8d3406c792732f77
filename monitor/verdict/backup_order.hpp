// In which order the other regions stand in for one whose relays are gone: those that it names, else the nearest first.
// Pure.
//
// How far one region is from another is what the vantage nearest to the one measures to the other. A vantage that
// stands in the region is right; one that is 30 ms away may be wrong by as much, and then only a greater difference
// counts. So nobody has to say where a vantage stands, and one that is far from everything orders nothing.
//
//   const auto distances = region_distances(vantages);           // of one cluster
//   region.nearest = nearest_first(others, region.nearest, distances.at(region.name));
//   for (const auto& backup : backup_order(cluster, region)) ...
#pragma once

#include <chrono>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "monitor/target/fleet.hpp"

namespace turnkeeper::monitor {

// Of one vantage: the round trip to the nearest relay of each region that it has ever reached.
using RegionRoundTrips = std::map<std::string, std::chrono::nanoseconds>;

struct RegionDistance {
  std::chrono::nanoseconds round_trip{0};
  std::chrono::nanoseconds off_by{0};  // at most: the vantage's own way to the region from which it speaks
  bool operator==(const RegionDistance&) const = default;
};
// To each region.
using RegionDistances = std::map<std::string, RegionDistance>;

// From each region. That from a region to itself is how far its nearest vantage is from it.
[[nodiscard]] std::map<std::string, RegionDistances> region_distances(std::span<const RegionRoundTrips> vantages);

// Those of `listed` that have a distance, the nearest first. Two stay as they were in `before`, or are as listed,
// unless one is clearly nearer: by a fifth, by 5 ms, and by more than both may be off; so the order outlives the
// vantage that measured it, and does not change with every measurement.
[[nodiscard]] std::vector<std::string> nearest_first(std::span<const std::string> listed,
                                                     std::span<const std::string> before,
                                                     const RegionDistances& distances);

// The other regions that could be `region`'s backups if it names none, as listed: external ones left out.
[[nodiscard]] std::vector<std::string> other_regions(const Cluster& cluster, const Region& region);

// The region's backups: those that it names; else Region::nearest and then the others as listed.
[[nodiscard]] std::vector<std::string> backup_order(const Cluster& cluster, const Region& region);

// Puts Region::nearest of `before` into `now`, for each cluster that still lists the same regions of its own.
void remember_nearest(const Fleet& before, Fleet& now);

}  // namespace turnkeeper::monitor
