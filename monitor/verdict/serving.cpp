#include "monitor/verdict/serving.hpp"

#include <algorithm>

#include "monitor/verdict/judge.hpp"

namespace turnkeeper::monitor {

std::string serving_region(std::span<const RegionHealth> regions, const std::string& region) {
  const auto own = std::ranges::find(regions, region, &RegionHealth::name);
  if (own == regions.end()) return {};
  const auto not_known_bad = [](api::Verdict v) { return usable(v) || v == api::Verdict::unknown; };
  if (std::ranges::any_of(own->relays, not_known_bad)) return region;

  std::vector<const RegionHealth*> backups;
  if (own->backups.empty()) {
    for (const auto& other : regions) backups.push_back(&other);
  } else {
    for (const auto& name : own->backups) {
      const auto found = std::ranges::find(regions, name, &RegionHealth::name);
      if (found != regions.end()) backups.push_back(&*found);
    }
  }
  std::erase(backups, &*own);
  const auto first_with = [&](auto may_serve) -> const RegionHealth* {
    const auto found = std::ranges::find_if(
        backups, [&](const auto* backup) { return std::ranges::any_of(backup->relays, may_serve); });
    return found == backups.end() ? nullptr : *found;
  };
  if (const auto* proven = first_with(usable)) return proven->name;
  if (const auto* unproven = first_with(not_known_bad)) return unproven->name;
  return {};
}

}  // namespace turnkeeper::monitor
