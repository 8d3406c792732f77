#include "operator/plan/gate.hpp"

#include <optional>
#include <string>

#include "operator/resources/names.hpp"

namespace turnkeeper::op {
namespace {

struct Gate {
  bool open = false;
  std::string reason;
  std::string message;
};

std::optional<Gate> gate_of(const RelayPod& pod, const ClusterHealth& health) {
  if (!health.heard) {
    if (pod.proof != Proof::none || !pod.containers_ready) return std::nullopt;
    return Gate{true, "MonitorNotHeard", "its containers are ready, and no monitor was heard to say more"};
  }
  const auto seen = health.relays.find(pod.relay);
  if (seen == health.relays.end()) return std::nullopt;
  switch (seen->second.verdict) {
    case api::Verdict::healthy:
    case api::Verdict::degraded:
      if (pod.proof == Proof::proven) return std::nullopt;
      return Gate{true, "Proven", "an allocation succeeded, and data came through it"};
    case api::Verdict::unhealthy: {
      if (pod.proof == Proof::never || pod.proof == Proof::failed) return std::nullopt;
      const auto cause = std::string(api::cause_name(seen->second.cause));
      return Gate{false, pod.proof == Proof::proven ? "Unhealthy" : never_proven_reason,
                  "no allocation succeeds: " + cause};
    }
    case api::Verdict::draining:
    case api::Verdict::unknown:
      break;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Placed> gates(const api::TurnCluster& cluster, const std::vector<RelayPod>& pods,
                          const ClusterHealth& health, SystemTime now) {
  std::vector<Placed> patches;
  for (const auto& pod : pods) {
    // What is said of a pod that does not run yet was said of the one before it.
    if (pod.deleting || !pod.running) continue;
    const auto gate = gate_of(pod, health);
    if (!gate) continue;
    patches.push_back({pod.site,
                       {{"apiVersion", "v1"},
                        {"kind", "Pod"},
                        {"metadata", {{"name", pod.pod}, {"namespace", cluster.namespace_name}, {"uid", pod.uid}}},
                        {"status",
                         {{"conditions",
                           {{{"type", proven_condition},
                             {"status", gate->open ? "True" : "False"},
                             {"reason", gate->reason},
                             {"message", gate->message},
                             {"lastTransitionTime", rfc3339(now)}}}}}}}});
  }
  return patches;
}

}  // namespace turnkeeper::op
