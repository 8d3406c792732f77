#include "operator/plan/relay_pod.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "operator/resources/names.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

// A missing or mistyped part reads as empty: pods come from outside.
const json& at(const json& object, const char* key) {
  static const json empty;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : empty;
}

std::string text(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

const json& condition(const json& status, const char* type) {
  static const json none;
  for (const auto& item : at(status, "conditions")) {
    if (text(at(item, "type")) == type) return item;
  }
  return none;
}

std::string with_message(const std::string& reason, const std::string& message) {
  return message.empty() ? reason : reason + ": " + message;
}

std::string trouble_of(const json& status) {
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const auto& container : at(status, list)) {
      const auto& waiting = at(at(container, "state"), "waiting");
      const auto reason = text(at(waiting, "reason"));
      if (reason.empty() || reason == "PodInitializing" || reason == "ContainerCreating") continue;
      return with_message(reason, text(at(waiting, "message")));
    }
  }
  const auto& scheduled = condition(status, "PodScheduled");
  if (text(at(scheduled, "status")) == "False") {
    return with_message(text(at(scheduled, "reason")), text(at(scheduled, "message")));
  }
  return {};
}

std::optional<int> ordinal_of(const std::string& pod, const std::string& stateful_set) {
  if (!pod.starts_with(stateful_set + '-')) return std::nullopt;
  const auto digits = pod.substr(stateful_set.size() + 1);
  int ordinal = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ordinal);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return ordinal;
}

std::string address_of(const api::Region& region, const json& pod, const NodeAddresses& nodes) {
  if (region.relay.exposure == api::Exposure::host_network) {
    const auto node = nodes.find(text(at(at(pod, "spec"), "nodeName")));
    if (node != nodes.end() && !node->second.empty()) return node->second;
  }
  return text(at(at(pod, "status"), "podIP"));
}

}  // namespace

std::vector<RelayPod> relay_pods(const api::TurnCluster& cluster, const std::vector<json>& pods,
                                 const NodeAddresses& nodes) {
  std::vector<RelayPod> relays;
  for (const auto& region : cluster.spec.regions) {
    const auto first = static_cast<std::ptrdiff_t>(relays.size());
    for (const auto& pod : pods) {
      const auto& metadata = at(pod, "metadata");
      const auto& pod_labels = at(metadata, "labels");
      const auto name = text(at(metadata, "name"));
      const auto ordinal = ordinal_of(name, region_child_name(cluster, region));
      if (!ordinal || text(at(pod_labels, region_label)) != region.name) continue;
      const auto& status = at(pod, "status");
      relays.push_back({.pod = name,
                        .relay = relay_name(region.name, *ordinal),
                        .region = region.name,
                        .ordinal = *ordinal,
                        .uid = text(at(metadata, "uid")),
                        .address = address_of(region, pod, nodes),
                        .revision = text(at(pod_labels, "controller-revision-hash")),
                        .running = text(at(status, "phase")) == "Running",
                        .ready = text(at(condition(status, "Ready"), "status")) == "True",
                        .deleting = !at(metadata, "deletionTimestamp").is_null(),
                        .trouble = trouble_of(status)});
    }
    std::sort(relays.begin() + first, relays.end(),
              [](const RelayPod& a, const RelayPod& b) { return a.ordinal < b.ordinal; });
  }
  return relays;
}

}  // namespace turnkeeper::op
