#include "monitor/ice/relay_order.hpp"

#include <algorithm>

#include "monitor/verdict/judge.hpp"
#include "monitor/verdict/serving.hpp"

namespace turnkeeper::monitor {
namespace {

using api::Verdict;

struct Candidate {
  RankedRelay ranked;
  Verdict verdict = Verdict::unknown;
  std::size_t region_rank = 0;  // 0: the client's own
  std::uint64_t affinity = 0;
};

// FNV-1a with the finalizer of MurmurHash3: the same on every monitor, whatever its build.
std::uint64_t affinity_of(const std::string& key, const std::string& relay) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto mix = [&](const std::string& text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash = (hash ^ 0xff) * 0x100000001b3;  // so that "a" + "bc" and "ab" + "c" differ
  };
  mix(key);
  mix(relay);
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

// The client's region, then its backups.
std::vector<const Region*> eligible_regions(const Cluster& cluster, const Region& own) {
  std::vector<const Region*> regions{&own};
  if (own.backups.empty()) {
    for (const auto& region : cluster.regions) {
      if (&region != &own) regions.push_back(&region);
    }
    return regions;
  }
  for (const auto& name : own.backups) {
    const auto found = std::ranges::find(cluster.regions, name, &Region::name);
    if (found != cluster.regions.end() && !std::ranges::count(regions, &*found)) regions.push_back(&*found);
  }
  return regions;
}

// Lower is better. Usable relays of every region come before anything else; the serving region's own unknown ones come
// before the backups only when that is why it serves.
enum class Tier { serving_unproven, usable, unknown, unhealthy, draining };

}  // namespace

std::vector<RankedRelay> order_relays(const Cluster& cluster, const Region& own, const std::string& affinity,
                                      const std::function<Verdict(const RelayId&, const Relay&)>& verdict_of) {
  std::vector<Candidate> candidates;
  std::vector<RegionHealth> health;
  const auto regions = eligible_regions(cluster, own);
  for (std::size_t rank = 0; rank < regions.size(); ++rank) {
    const Region& region = *regions[rank];
    RegionHealth& of_region = health.emplace_back(RegionHealth{region.name, {}, {}});
    for (const auto& relay : region.relays) {
      const Verdict verdict =
          relay.draining ? Verdict::draining : verdict_of({cluster.name, region.name, relay.name}, relay);
      of_region.relays.push_back(verdict);
      candidates.push_back({{&region, &relay}, verdict, rank, affinity_of(affinity, relay.name)});
    }
  }
  const std::string serving = serving_region(health, own.name);
  const bool serving_is_proven = std::ranges::any_of(
      candidates, [&](const Candidate& c) { return c.ranked.region->name == serving && usable(c.verdict); });

  const auto tier = [&](const Candidate& candidate) {
    if (usable(candidate.verdict)) return Tier::usable;
    if (candidate.verdict == Verdict::draining) return Tier::draining;
    if (candidate.verdict == Verdict::unhealthy) return Tier::unhealthy;
    const bool serves = candidate.ranked.region->name == serving && !serving_is_proven;
    return serves ? Tier::serving_unproven : Tier::unknown;
  };
  std::ranges::sort(candidates, {}, [&](const Candidate& candidate) {
    return std::tuple(tier(candidate), candidate.region_rank, candidate.verdict, ~candidate.affinity,
                      candidate.ranked.relay->name);
  });

  // As far down as it must go, and no further.
  const bool any_usable = std::ranges::any_of(candidates, [](const Candidate& c) { return usable(c.verdict); });
  std::vector<RankedRelay> ordered;
  for (const auto& candidate : candidates) {
    const Tier last = any_usable ? Tier::usable : std::max(tier(candidates.front()), Tier::unknown);
    if (tier(candidate) > last) break;
    ordered.push_back(candidate.ranked);
  }
  return ordered;
}

}  // namespace turnkeeper::monitor
