#include "operator/plan/drain.hpp"

#include "operator/resources/names.hpp"

namespace turnkeeper::op {
namespace {

struct Said {
  bool anything = false;
  bool still_given = false;
};

Said said_of(const RelayPod& pod, const std::vector<VantageReport>& reports, SystemTime now) {
  Said said;
  for (const auto& report : reports) {
    if (now - report.heard >= report_lifetime) continue;
    const auto relay = report.relays.find(pod.relay);
    if (relay == report.relays.end()) continue;
    said.anything = true;
    const auto verdict = relay->second.verdict;
    said.still_given = said.still_given || (verdict != api::Verdict::draining && verdict != api::Verdict::unhealthy);
  }
  return said;
}

std::chrono::seconds patience(const Said& said) {
  return said.anything ? moving_patience : unheard_patience;
}

}  // namespace

bool clients_moved(const RelayPod& pod, const std::vector<VantageReport>& reports, SystemTime now) {
  if (!pod.running) return true;
  if (!pod.draining) return false;
  const auto said = said_of(pod, reports, now);
  if (said.anything && !said.still_given) return true;
  const auto waited = now - *pod.draining;
  // Less than nothing: the clock was put back. How long it really was is unknown, and waiting for it could take days.
  return waited < std::chrono::seconds::zero() || waited >= patience(said);
}

std::optional<SystemTime> next_look_at(const RelayPod& pod, const std::vector<VantageReport>& reports, SystemTime now) {
  if (!pod.draining || clients_moved(pod, reports, now)) return std::nullopt;
  return *pod.draining + patience(said_of(pod, reports, now));
}

Placed drain_mark(const api::TurnCluster& cluster, const RelayPod& pod, std::optional<SystemTime> since) {
  nlohmann::json object = {{"apiVersion", "v1"},
                           {"kind", "Pod"},
                           {"metadata", {{"name", pod.pod}, {"namespace", cluster.namespace_name}, {"uid", pod.uid}}}};
  if (since) object["metadata"]["annotations"][draining_annotation] = rfc3339(*since);
  return {pod.site, std::move(object)};
}

}  // namespace turnkeeper::op
