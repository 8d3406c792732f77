#include "operator/plan/replace.hpp"

#include <algorithm>

#include "operator/resources/ordinals.hpp"

namespace turnkeeper::op {
namespace {

// Above what canaries and probes of a few vantages make.
constexpr std::uint64_t flowing_bits_per_second = 64'000;

const RelayHealth* health_of(const RelayPod& pod, const ClusterHealth& health) {
  const auto found = health.relays.find(pod.relay);
  return found == health.relays.end() ? nullptr : &found->second;
}

bool fails_with(const RelayPod& pod, const ClusterHealth& health, api::Cause cause) {
  const auto* seen = health_of(pod, health);
  return seen != nullptr && seen->verdict == api::Verdict::unhealthy && seen->cause == cause;
}

bool is_wedged(const RelayPod& pod, const ClusterHealth& health) {
  const auto* seen = health_of(pod, health);
  return pod.running && !pod.deleting && pod.proof == Proof::failed && seen != nullptr &&
         seen->verdict == api::Verdict::unhealthy && restart_cures(seen->cause);
}

// All but those that were scaled away and only end: nothing is to be learned from them.
std::vector<const RelayPod*> relays_in_service(const api::TurnCluster& cluster, const std::vector<RelayPod>& pods) {
  std::vector<const RelayPod*> relays;
  for (const auto& region : cluster.spec.regions) {
    for (const auto& pod : pods) {
      if (pod.region != region.name || (pod.deleting && !ordinals_of(region).contains(pod.ordinal))) continue;
      relays.push_back(&pod);
    }
  }
  return relays;
}

bool nobody_uses(const RelayPod& pod, api::Cause cause, const ClusterHealth& health) {
  if (cause == api::Cause::connect_refused || cause == api::Cause::connect_timeout) return true;
  const auto facts = health.facts.find(pod.relay);
  if (facts == health.facts.end() || !facts->second.agent) return false;
  const auto& agent = *facts->second.agent;
  return agent.sessions == 0 || (agent.bits_per_second && *agent.bits_per_second < flowing_bits_per_second);
}

}  // namespace

bool restart_cures(api::Cause cause) {
  switch (cause) {
    case api::Cause::connect_refused:
    case api::Cause::connect_timeout:
    case api::Cause::allocate_timeout:
    case api::Cause::auth_database:
    case api::Cause::data_path:
      return true;
    default:
      return false;
  }
}

Replacements relays_to_replace(const api::TurnCluster& cluster, const std::vector<RelayPod>& pods,
                               const ClusterHealth& health, const std::map<std::string, SystemTime>& last,
                               SystemTime now) {
  Replacements result;
  if (!health.heard) return result;
  const auto look_at = [&](SystemTime when) {
    if (!result.look_again || when < *result.look_again) result.look_again = when;
  };
  const auto relays = relays_in_service(cluster, pods);
  for (const auto& region : cluster.spec.regions) {
    std::vector<const RelayPod*> own;
    const auto before = last.find(region.name);
    auto last_change = before == last.end() || before->second > now ? SystemTime{} : before->second;
    for (const auto* pod : relays) {
      if (pod->region != region.name) continue;
      own.push_back(pod);
      // Said to be deleted, but perhaps not yet to have been replaced: the operator may have died in between.
      last_change = std::max(last_change, pod->deleted_at.value_or(SystemTime{}));
    }
    // One that is missing was deleted a moment ago.
    if (own.size() < static_cast<std::size_t>(region.relay.replicas)) continue;
    for (const auto* pod : own) {
      if (!is_wedged(*pod, health)) continue;
      const auto& seen = *health_of(*pod, health);
      const auto fails_alike = [&](const RelayPod* other) { return fails_with(*other, health, seen.cause); };
      if (std::ranges::all_of(own.size() == 1 ? relays : own, fails_alike)) continue;
      const auto due = std::max(seen.since + wedged_after, last_change + between_replacements);
      if (now < due) {
        look_at(due);
        continue;
      }
      result.now.push_back({.pod = pod, .cause = seen.cause, .since = seen.since, .grace = std::nullopt});
      if (nobody_uses(*pod, seen.cause, health)) result.now.back().grace = dead_relay_grace;
      break;
    }
  }
  return result;
}

}  // namespace turnkeeper::op
