#include "operator/plan/relay_pod.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "operator/plan/json_member.hpp"
#include "operator/plan/relay_address.hpp"
#include "operator/resources/exposure.hpp"
#include "operator/resources/names.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

const json& condition(const json& status, const char* type) {
  static const json none;
  for (const auto& item : at(status, "conditions")) {
    if (text(at(item, "type")) == type) return item;
  }
  return none;
}

SystemTime time_at(const json& object, const char* key) {
  return parse_rfc3339(text(at(object, key))).value_or(SystemTime{});
}

Proof proof_of(const json& status) {
  const auto& proven = condition(status, proven_condition);
  if (!proven.is_object()) return Proof::none;
  if (text(at(proven, "status")) == "True") return Proof::proven;
  return text(at(proven, "reason")) == never_proven_reason ? Proof::never : Proof::failed;
}

std::optional<SystemTime> draining_since(const json& metadata) {
  const auto& mark = at(at(metadata, "annotations"), draining_annotation);
  if (!mark.is_string()) return std::nullopt;
  // Whatever it says, the mark is there: one that cannot be read is an old one.
  return parse_rfc3339(mark.get<std::string>()).value_or(SystemTime{});
}

// The deletion timestamp is the end of the grace period.
std::optional<SystemTime> deleted_at(const json& metadata) {
  if (at(metadata, "deletionTimestamp").is_null()) return std::nullopt;
  const auto& grace = at(metadata, "deletionGracePeriodSeconds");
  return time_at(metadata, "deletionTimestamp") -
         std::chrono::seconds(grace.is_number_integer() ? grace.get<std::int64_t>() : 0);
}

std::string relay_image(const json& pod) {
  for (const auto& container : at(at(pod, "spec"), "containers")) {
    if (text(at(container, "name")) == "relay") return text(at(container, "image"));
  }
  return {};
}

std::string last_words_of(const json& status) {
  for (const auto& container : at(status, "containerStatuses")) {
    if (text(at(container, "name")) != "relay") continue;
    return text(at(at(at(container, "state"), "terminated"), "message"));
  }
  return {};
}

bool is_cordoned(const Nodes& nodes, const std::string& site, const std::string& name) {
  const auto there = nodes.find(site);
  if (there == nodes.end()) return false;
  const auto node = there->second.find(name);
  return node != there->second.end() && node->second.unschedulable;
}

std::string with_message(const std::string& reason, const std::string& message) {
  return message.empty() ? reason : reason + ": " + message;
}

std::string last_line(std::string text) {
  text.erase(text.find_last_not_of(" \n") + 1);
  const auto end = text.rfind('\n');
  return end == std::string::npos ? text : text.substr(end + 1);
}

std::string trouble_of(const json& status) {
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const auto& container : at(status, list)) {
      const auto& waiting = at(at(container, "state"), "waiting");
      const auto reason = text(at(waiting, "reason"));
      if (reason.empty() || reason == "PodInitializing" || reason == "ContainerCreating") continue;
      // Of a crash loop Kubernetes says only for how long it waits; why is in how the container ended.
      const auto& ended = at(at(at(container, "lastState"), "terminated"), "message");
      return with_message(reason, text(ended).empty() ? text(at(waiting, "message")) : last_line(text(ended)));
    }
  }
  const auto& scheduled = condition(status, "PodScheduled");
  if (text(at(scheduled, "status")) == "False") {
    return with_message(text(at(scheduled, "reason")), text(at(scheduled, "message")));
  }
  return {};
}

const json& service_of(const std::vector<Placed>& children, const std::string& site, const std::string& name) {
  static const json none;
  const auto found = std::ranges::find_if(children, [&](const Placed& child) {
    return child.site == site && text(at(child.object, "kind")) == "Service" &&
           text(at(at(child.object, "metadata"), "name")) == name;
  });
  return found == children.end() ? none : found->object;
}

}  // namespace

std::optional<int> ordinal_of(const std::string& name, const std::string& prefix) {
  if (!name.starts_with(prefix + '-')) return std::nullopt;
  const auto digits = name.substr(prefix.size() + 1);
  int ordinal = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ordinal);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return ordinal;
}

std::vector<RelayPod> relay_pods(const api::TurnCluster& cluster, const std::vector<Placed>& pods, const Nodes& nodes,
                                 const std::vector<Placed>& children) {
  static const std::map<std::string, NodeFacts> no_nodes;
  std::vector<RelayPod> relays;
  for (const auto& region : cluster.spec.regions) {
    const auto first = static_cast<std::ptrdiff_t>(relays.size());
    for (const auto& [site, pod] : pods) {
      if (site != site_of(region)) continue;
      const auto& metadata = at(pod, "metadata");
      const auto& pod_labels = at(metadata, "labels");
      const auto name = text(at(metadata, "name"));
      const auto ordinal = ordinal_of(name, region_child_name(cluster, region));
      if (!ordinal || text(at(pod_labels, region_label)) != region.name) continue;
      const auto& status = at(pod, "status");
      const auto there = nodes.find(site);
      const auto exposure = exposure_of(pod, region.relay);
      auto reach = relay_reach(region.relay, pod, *ordinal, there == nodes.end() ? no_nodes : there->second,
                               has_relay_services(exposure) ? service_of(children, site, name) : json());
      relays.push_back({.site = site,
                        .pod = name,
                        .relay = relay_name(region.name, *ordinal),
                        .region = region.name,
                        .ordinal = *ordinal,
                        .uid = text(at(metadata, "uid")),
                        .addresses = std::move(reach.addresses),
                        .relayed = std::move(reach.relayed),
                        .ports = std::move(reach.ports),
                        .agent = std::move(reach.agent),
                        .exposure = exposure,
                        .revision = text(at(pod_labels, "controller-revision-hash")),
                        .running = text(at(status, "phase")) == "Running",
                        .ready = text(at(condition(status, "Ready"), "status")) == "True",
                        .deleting = !at(metadata, "deletionTimestamp").is_null(),
                        .trouble = trouble_of(status),
                        .last_words = last_words_of(status),
                        .node = text(at(at(pod, "spec"), "nodeName")),
                        .image = relay_image(pod),
                        .cordoned = is_cordoned(nodes, site, text(at(at(pod, "spec"), "nodeName"))),
                        .containers_ready = text(at(condition(status, "ContainersReady"), "status")) == "True",
                        .proof = proof_of(status),
                        .created = time_at(metadata, "creationTimestamp"),
                        .deleted_at = deleted_at(metadata),
                        .draining = draining_since(metadata)});
    }
    std::sort(relays.begin() + first, relays.end(),
              [](const RelayPod& a, const RelayPod& b) { return a.ordinal < b.ordinal; });
  }
  return relays;
}

}  // namespace turnkeeper::op
