#include "operator/plan/missing.hpp"

#include <algorithm>

#include "operator/plan/placed.hpp"
#include "operator/resources/names.hpp"
#include "operator/resources/ordinals.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;

constexpr auto time_to_be_made = 2min;

std::string place_of(const api::TurnCluster& cluster, const api::Region& region) {
  const auto site = site_of(region);
  return region_child_name(cluster, region) + " --namespace " + cluster.namespace_name +
         (site.empty() ? "" : " at " + site);
}

}  // namespace

Missing missing_relays(const api::TurnCluster& cluster, const std::vector<RelayPod>& pods,
                       const std::map<std::string, std::string>& unreachable,
                       const std::map<std::string, SystemTime>& before, SystemTime now) {
  Missing missing;
  for (const auto& region : cluster.spec.regions) {
    if (unreachable.contains(site_of(region))) continue;
    for (const int ordinal : ordinals_of(region)) {
      const auto name = relay_name(region.name, ordinal);
      if (std::ranges::find(pods, name, &RelayPod::relay) != pods.end()) continue;
      const auto seen = before.find(name);
      const auto since = seen == before.end() ? now : seen->second;
      missing.since[name] = since;
      const auto due = since + time_to_be_made;
      if (now < due) {
        missing.look_again = std::min(due, missing.look_again.value_or(due));
      } else if (!missing.halt) {
        missing.halt =
            Halt{relay_fails, name + " gets no pod from Kubernetes; why is told by: kubectl describe statefulset " +
                                  place_of(cluster, region)};
      }
    }
  }
  return missing;
}

}  // namespace turnkeeper::op
