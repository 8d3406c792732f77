#include "operator/plan/roll.hpp"

#include <algorithm>

namespace turnkeeper::op {

bool is_outdated(const RelayPod& pod, const std::map<std::string, std::string>& revisions) {
  const auto revision = revisions.find(pod.region);
  return revision != revisions.end() && !revision->second.empty() && pod.revision != revision->second;
}

bool works(const RelayPod& pod, const ClusterHealth& health) {
  if (pod.deleting) return false;
  if (!health.heard) return pod.ready;
  const auto found = health.relays.find(pod.relay);
  return found != health.relays.end() &&
         (found->second.verdict == api::Verdict::healthy || found->second.verdict == api::Verdict::degraded);
}

const RelayPod* next_to_roll(const api::TurnCluster& cluster, const std::vector<RelayPod>& pods,
                             const ClusterHealth& health, const std::map<std::string, std::string>& revisions) {
  std::size_t wanted = 0;
  for (const auto& region : cluster.spec.regions) wanted += static_cast<std::size_t>(region.relay.replicas);
  if (std::any_of(pods.begin(), pods.end(), [](const RelayPod& pod) { return pod.deleting; })) return nullptr;

  for (const auto& pod : pods) {
    if (!pod.ready && is_outdated(pod, revisions)) return &pod;
  }
  if (pods.size() != wanted) return nullptr;
  for (const auto& pod : pods) {
    if (!is_outdated(pod, revisions)) continue;
    const bool others_work = std::all_of(pods.begin(), pods.end(), [&](const RelayPod& other) {
      return &other == &pod || (other.ready && works(other, health));
    });
    if (others_work) return &pod;
  }
  return nullptr;
}

}  // namespace turnkeeper::op
