#include "operator/plan/plan.hpp"

#include <algorithm>

#include "operator/plan/covers.hpp"
#include "operator/plan/roll.hpp"
#include "operator/plan/status.hpp"
#include "operator/resources/children.hpp"
#include "operator/resources/content_hash.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace nlohmann::literals;

const json* find(const json& object, const json::json_pointer& pointer) {
  return object.contains(pointer) ? &object.at(pointer) : nullptr;
}

std::string text(const json& object, const char* pointer) {
  const auto* value = find(object, json::json_pointer(pointer));
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

const json* find_named(const std::vector<json>& objects, const std::string& kind, const std::string& name) {
  const auto found = std::ranges::find_if(objects, [&](const json& object) {
    return text(object, "/kind") == kind && text(object, "/metadata/name") == name;
  });
  return found == objects.end() ? nullptr : &*found;
}

const json* find_like(const std::vector<json>& objects, const json& wanted) {
  return find_named(objects, text(wanted, "/kind"), text(wanted, "/metadata/name"));
}

bool is_controlled_by(const json& object, const std::string& uid) {
  const auto* owners = find(object, "/metadata/ownerReferences"_json_pointer);
  return owners != nullptr && std::any_of(owners->begin(), owners->end(), [&](const json& owner) {
           return text(owner, "/uid") == uid && owner.value("controller", false);
         });
}

Result<api::SigningKeys> read_keys(const json& secret) {
  const auto where = "Secret " + text(secret, "/metadata/name");
  const auto document = base64_decode(text(secret, "/data/keys.json"));
  if (!document) return fail(document.error().within(where + ": keys.json"));
  auto keys = api::parse_signing_keys(*document);
  if (!keys) {
    return fail(
        where + ": keys.json: " + keys.error().message,
        "restore the Secret from a backup, or delete it to have a new key made (clients then need new credentials)");
  }
  return keys;
}

std::vector<json> region_children(const api::TurnCluster& cluster, const Settings& settings) {
  std::vector<json> children;
  for (const auto& region : cluster.spec.regions) {
    children.push_back(config_map(cluster, region));
    children.push_back(network_policy(cluster, region));
    children.push_back(service(cluster, region));
    children.push_back(disruption_budget(cluster, region));
    children.push_back(stateful_set(cluster, region, settings.agent_image));
  }
  // A field that is asked for no more is in none of the objects: only their fingerprints tell that something went away.
  for (auto& child : children) child["metadata"]["annotations"][applied_hash_annotation] = content_hash(child.dump());
  return children;
}

ObjectRef reference(const json& object) {
  return {text(object, "/apiVersion"), text(object, "/kind"), text(object, "/metadata/namespace"),
          text(object, "/metadata/name"), text(object, "/metadata/uid")};
}

// What the StatefulSet controller says the newest template is; nothing while it has not seen our newest one.
std::map<std::string, std::string> newest_revisions(const api::TurnCluster& cluster, const Observed& observed,
                                                    const std::vector<json>& applying) {
  std::map<std::string, std::string> revisions;
  for (const auto& region : cluster.spec.regions) {
    const auto name = region_child_name(cluster, region);
    const auto* set = find_named(observed.children, "StatefulSet", name);
    if (set == nullptr || find_named(applying, "StatefulSet", name) != nullptr) continue;
    const auto* generation = find(*set, "/metadata/generation"_json_pointer);
    const auto* seen = find(*set, "/status/observedGeneration"_json_pointer);
    if (generation == nullptr || seen == nullptr || *seen < *generation) continue;
    revisions[region.name] = text(*set, "/status/updateRevision");
  }
  return revisions;
}

// A vantage that falls silent is not an event, so its running out must be looked for.
std::optional<std::chrono::seconds> next_look(const std::vector<VantageReport>& reports, SystemTime now) {
  std::optional<std::chrono::seconds> next;
  for (const auto& report : reports) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(report.heard + report_lifetime - now);
    if (left.count() > 0 && (!next || left < *next)) next = left;
  }
  return next;
}

}  // namespace

Plan plan(const api::TurnCluster& cluster, const Observed& observed, const Settings& settings, SystemTime now) {
  Plan plan;
  plan.pods = relay_pods(cluster, observed.pods, observed.nodes);
  plan.requeue = next_look(observed.reports, now);
  StatusInput input{.pods = plan.pods, .health = cluster_health(observed.reports, now), .previous = observed.status};

  const bool active = !cluster.spec.paused && !cluster.deleting;
  std::vector<json> wanted;
  const auto* secret = find_named(observed.children, "Secret", signing_keys_name(cluster));
  if (secret != nullptr) {
    if (auto keys = read_keys(*secret)) {
      wanted.push_back(signing_keys_secret(cluster, *keys));
      plan.keys = std::move(*keys);
    } else {
      input.stalled_reason = "SigningKeysUnreadable";
      input.stalled_message = keys.error().text();
      wanted.push_back(*secret);
    }
  } else if (active) {
    plan.create.push_back(signing_keys_secret(
        cluster,
        {{.id = "k1", .secret = settings.new_secret(), .created = std::chrono::floor<std::chrono::seconds>(now)}}));
  }
  std::ranges::move(region_children(cluster, settings), std::back_inserter(wanted));

  if (active) {
    for (const auto& object : wanted) {
      const auto* live = find_like(observed.children, object);
      if (live == nullptr || !covers(*live, object)) plan.apply.push_back(object);
    }
    for (const auto& object : observed.children) {
      if (find_like(wanted, object) != nullptr || !is_controlled_by(object, cluster.uid)) continue;
      if (object.contains("/metadata/deletionTimestamp"_json_pointer)) continue;
      plan.prune.push_back(reference(object));
    }
    input.target_revisions = newest_revisions(cluster, observed, plan.apply);
    if (const auto* pod = next_to_roll(cluster, plan.pods, input.health, input.target_revisions)) {
      plan.roll = ObjectRef{"v1", "Pod", cluster.namespace_name, pod->pod, pod->uid};
    }
    input.changing = !plan.create.empty() || !plan.apply.empty() || !plan.prune.empty() || plan.roll.has_value();
  }
  plan.status = to_json(compute_status(cluster, input, now));
  return plan;
}

}  // namespace turnkeeper::op
