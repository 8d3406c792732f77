#include "monitor/verdict/serving.hpp"

#include <algorithm>

#include "monitor/verdict/judge.hpp"

namespace turnkeeper::monitor {
namespace {

// The region itself and its backups, then the external ones; or as the use of providers has it.
std::vector<const RegionHealth*> in_order(std::span<const RegionHealth> regions, const RegionHealth& own,
                                          ProviderUse use) {
  std::vector<const RegionHealth*> order{&own};
  const auto add = [&](const RegionHealth& region) {
    if (std::ranges::find(order, &region) == order.end()) order.push_back(&region);
  };
  for (const auto& name : own.backups) {
    const auto found = std::ranges::find(regions, name, &RegionHealth::name);
    if (found != regions.end()) add(*found);
  }
  for (const auto& region : regions) {
    if (region.external) add(region);
  }
  const auto ours = [](const auto* region) { return !region->external; };
  if (use == ProviderUse::only) std::ranges::stable_sort(order, {}, ours);
  if (use == ProviderUse::cheapest) std::ranges::stable_sort(order, {}, &RegionHealth::cost_per_gigabyte);
  return order;
}

}  // namespace

std::string serving_region(std::span<const RegionHealth> regions, const std::string& region, ProviderUse use) {
  const auto own = std::ranges::find(regions, region, &RegionHealth::name);
  if (own == regions.end()) return {};
  const auto order = in_order(regions, *own, use);
  const auto not_known_bad = [](api::Verdict v) { return usable(v) || v == api::Verdict::unknown; };
  const auto first_with = [&](auto may_serve) {
    const auto found = std::ranges::find_if(
        order, [&](const auto* candidate) { return std::ranges::any_of(candidate->relays, may_serve); });
    return found == order.end() ? std::string() : (*found)->name;
  };
  if (std::ranges::any_of(order.front()->relays, not_known_bad)) return order.front()->name;
  const auto proven = first_with(usable);
  return proven.empty() ? first_with(not_known_bad) : proven;
}

}  // namespace turnkeeper::monitor
