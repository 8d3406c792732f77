#include "operator/controller/reconciler.hpp"

#include <algorithm>

#include "operator/plan/status.hpp"
#include "operator/plan/targets.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/api/conditions.hpp"
#include "turnkeeper/api/parse.hpp"
#include "turnkeeper/base/log.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds request_budget{30};
constexpr const char* paused_annotation = "turnkeeper.io/paused";

const kube::ApplyOptions as_operator{.field_manager = field_manager};

bool is_paused_by_annotation(const json& object) {
  const auto at = json::json_pointer("/metadata/annotations") / paused_annotation;
  return object.contains(at) && object.at(at) == "true";
}

std::string name_for_people(const json& object) {
  return kube::text_at(object, "/kind") + " " + kube::key_of(object).name;
}

bool is_there(const std::vector<json>& objects, const json& wanted) {
  return std::any_of(objects.begin(), objects.end(), [&](const json& object) {
    return object["kind"] == wanted["kind"] && kube::key_of(object) == kube::key_of(wanted);
  });
}

// The planned status when what it rests on could not be written: the cluster is stalled until someone removes the
// obstacle. The transition time is kept while that lasts.
json stalled_by(const kube::Error& error, const json& before, json planned, std::int64_t generation, SystemTime now) {
  auto conditions = api::conditions_from_json(before.is_object() ? before.value("conditions", json()) : json());
  api::set_condition(conditions,
                     {.type = "Stalled",
                      .status = api::ConditionStatus::yes,
                      .reason = "WriteRefused",
                      .message = error.text(),
                      .observed_generation = generation},
                     now);
  const auto* stalled = api::find_condition(conditions, "Stalled");
  auto entries = api::conditions_from_json(planned["conditions"]);
  std::replace_if(
      entries.begin(), entries.end(), [](const auto& entry) { return entry.type == "Stalled"; }, *stalled);
  planned["conditions"] = api::to_json(entries);
  return planned;
}

kube::Error unknown_kind(const std::string& kind) {
  return {kube::ErrorKind::unexpected, "no such kind of child: " + kind};
}

}  // namespace

Deadline Reconciler::soon() const {
  return Deadline::after(in_.clock, request_budget);
}

Outcome Reconciler::reconcile(const kube::ObjectKey& key) {
  const auto cached = in_.watches.clusters().get(key);
  if (!cached) {
    in_.targets.withdraw(key.text());
    settled_.erase(key);
    return {};
  }
  const SteadyTime now = in_.clock.steady();
  const json object = own_writes_.see(api::kind, key, *cached, now);
  auto parsed = api::parse_object(object);
  if (!parsed) return refuse(object, parsed.error());
  api::TurnCluster cluster = std::move(*parsed);
  cluster.spec.paused = cluster.spec.paused || is_paused_by_annotation(object);

  Observed observed{.children = in_.watches.children(key),
                    .pods = in_.watches.pods(key),
                    .nodes = in_.watches.nodes(),
                    .reports = in_.health.reports(key.text()),
                    .status = object.value("status", json())};
  const bool ahead = own_writes_.complete(key.namespace_name, cluster_label, key.name, observed.children, now);
  const Plan plan = op::plan(cluster, observed, settings_, in_.clock.system());

  const bool at_rest = plan.create.empty() && plan.apply.empty() && plan.prune.empty() && !plan.roll;
  const auto settled = settled_.find(key);
  Written written;
  auto done = carry_out(plan, observed, settled != settled_.end() && settled->second == cluster.generation, written);
  if (at_rest && !ahead) settled_[key] = cluster.generation;

  if (cluster.deleting) {
    in_.targets.withdraw(key.text());
  } else if (!plan.keys.empty()) {
    in_.targets.publish(cluster_targets(cluster, plan.pods, plan.keys));
  }
  json after = plan.status;
  if (!done && !done.error().transient() && done.error().kind != kube::ErrorKind::cancelled) {
    after = stalled_by(done.error(), observed.status, std::move(after), cluster.generation, in_.clock.system());
  }
  announce(object, observed.status, after, written);
  auto status = write_status(object, after);

  Outcome outcome;
  if (!done) {
    outcome.error = done.error();
  } else if (!status) {
    outcome.error = status.error();
  }
  if (plan.requeue) outcome.look_again = *plan.requeue;
  if (ahead) outcome.look_again = OwnWrites::believed_for;
  return outcome;
}

Outcome Reconciler::refuse(const json& object, const api::Problems& problems) {
  const json before = object.value("status", json());
  const json after = refused_status(object, problems, in_.clock.system());
  announce(object, before, after, {});
  if (auto written = write_status(object, after); !written) return {.error = written.error()};
  return {.error = kube::Error(kube::ErrorKind::invalid,
                               kube::key_of(object).text() + ": " + api::problem_text(problems.front())),
          .terminal = true};
}

kube::Result<> Reconciler::carry_out(const Plan& plan, const Observed& observed, bool settled, Written& written) {
  for (const auto& object : plan.create) {
    if (auto created = create(object); !created) return created;
    written.created.push_back(name_for_people(object));
  }
  for (const auto& object : plan.apply) {
    const auto* type = child_type(object.at("kind"));
    if (type == nullptr) return kube::fail(unknown_kind(object.at("kind")));
    const std::string before = in_.watches.version_of(type->kind, kube::key_of(object));
    auto applied = in_.client.apply(*type, object, as_operator, soon());
    if (!applied) return kube::fail(applied.error());
    const bool was_there = is_there(observed.children, object);
    log::info("applied", {{"object", name_for_people(object)}, {"namespace", kube::key_of(object).namespace_name}});
    if (settled) {
      written.restored.push_back(name_for_people(object));
    } else if (!was_there) {
      written.created.push_back(name_for_people(object));
    }
    own_writes_.remember(before, std::move(*applied), in_.clock.steady());
  }
  for (const auto& ref : plan.prune) {
    if (auto removed = remove(ref); !removed) return removed;
    log::info("removed", {{"object", ref.kind + " " + ref.name}, {"namespace", ref.namespace_name}});
  }
  if (plan.roll) {
    if (auto removed = remove(*plan.roll); !removed) return removed;
    log::info("renewing a relay", {{"pod", plan.roll->name}, {"namespace", plan.roll->namespace_name}});
  }
  return {};
}

kube::Result<> Reconciler::create(const json& object) {
  const auto* type = child_type(object.at("kind"));
  if (type == nullptr) return kube::fail(unknown_kind(object.at("kind")));
  const kube::ObjectKey key = kube::key_of(object);
  auto created = in_.client.create(*type, object, soon());
  if (!created && created.error().kind == kube::ErrorKind::already_exists) {
    // The cache does not show it: it lags, or somebody took the labels away. The keys that are there count, not the
    // ones just made up.
    auto live = in_.client.get(*type, key, soon());
    if (!live) return kube::fail(live.error());
    json labelled = object;
    labelled["data"] = live->value("data", json::object());
    created = in_.client.apply(*type, labelled, as_operator, soon());
  }
  if (!created) return kube::fail(created.error());
  log::info("created", {{"object", name_for_people(object)}, {"namespace", key.namespace_name}});
  own_writes_.remember(in_.watches.version_of(type->kind, key), std::move(*created), in_.clock.steady());
  return {};
}

kube::Result<> Reconciler::remove(const ObjectRef& ref) {
  const auto* type = child_type(ref.kind);
  if (type == nullptr) return kube::fail(unknown_kind(ref.kind));
  auto removed = in_.client.remove(*type, {ref.namespace_name, ref.name}, {.uid = ref.uid}, soon());
  // Gone already, or another object by now: either way this one is not there any more.
  if (!removed && removed.error().kind != kube::ErrorKind::not_found &&
      removed.error().kind != kube::ErrorKind::conflict) {
    return removed;
  }
  return {};
}

kube::Result<> Reconciler::write_status(const json& object, const json& status) {
  if (object.value("status", json()) == status) return {};
  const kube::ObjectKey key = kube::key_of(object);
  const json patch = {
      {"apiVersion", turn_clusters.api_version()},
      {"kind", turn_clusters.kind},
      {"metadata", {{"name", key.name}, {"namespace", key.namespace_name}, {"uid", kube::uid_of(object)}}},
      {"status", status}};
  auto written = in_.client.apply_status(turn_clusters, patch, as_operator, soon());
  if (!written) {
    // Deleted meanwhile, and perhaps made anew: nothing is left to be said about this one.
    if (written.error().kind == kube::ErrorKind::not_found) return {};
    return kube::fail(written.error());
  }
  own_writes_.remember(in_.watches.version_of(turn_clusters.kind, key), std::move(*written), in_.clock.steady());
  return {};
}

void Reconciler::announce(const json& object, const json& before, const json& after, const Written& written) {
  for (const auto& announcement : announcements(before, after, written)) {
    in_.events.record(object, announcement.type, announcement.reason, announcement.message);
  }
}

}  // namespace turnkeeper::op
