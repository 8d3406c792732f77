// Which region serves a region's clients: its own relays, or the first backup that has a usable one, or a provider's.
// Pure.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "turnkeeper/api/health.hpp"
#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

using api::ProviderUse;

struct RegionHealth {
  std::string name;
  std::vector<std::string> backups;  // in order: see backup_order.hpp
  std::vector<api::Verdict> relays;
  bool external = false;  // as Region's
  double cost_per_gigabyte = 0;
};

// The region that `region`'s clients are sent to; empty when no region can serve them. A relay of which nothing is
// known yet speaks for its own region, so that a monitor that has just started, or that lost sight of everything, moves
// nobody; for a backup it speaks only when no backup is proven. External regions come after all others, before them, or
// where their cost puts them.
[[nodiscard]] std::string serving_region(std::span<const RegionHealth> regions, const std::string& region,
                                         ProviderUse use = ProviderUse::fallback);

// A region's clients went to another region, or came back.
struct Failover {
  SystemTime at;
  std::string cluster;
  std::string region;                   // whose clients
  std::string from;                     // a region; empty: nobody served them
  std::string to;                       // a region; empty: nobody serves them
  api::Cause cause = api::Cause::none;  // of the relay that fell; none on the way back
  [[nodiscard]] bool is_return() const { return to == region; }
  bool operator==(const Failover&) const = default;
};

}  // namespace turnkeeper::monitor
