#include "operator/controller/writer.hpp"

#include <algorithm>

#include "operator/controller/kinds.hpp"
#include "operator/plan/record.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/kube/json_text.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace nlohmann::literals;

constexpr std::chrono::seconds home_budget{30};
// A cluster that does not answer must not keep a worker.
constexpr std::chrono::seconds remote_budget{10};

const kube::ApplyOptions as_operator{.field_manager = field_manager};

std::string name_for_people(const json& object) {
  return kube::text_at(object, "/kind") + " " + kube::key_of(object).name;
}

std::string name_for_people(const Placed& placed) {
  return name_for_people(placed.object) + (placed.site.empty() ? "" : " at " + placed.site);
}

// It is there, and what was asked for last is not what is asked for now: by autoscaling, a new address, a budget.
bool is_asked_anew(const std::vector<Placed>& objects, const Placed& wanted) {
  const auto hash = "/metadata/annotations"_json_pointer / applied_hash_annotation;
  return std::any_of(objects.begin(), objects.end(), [&](const Placed& there) {
    return there.site == wanted.site && there.object.at("kind") == wanted.object.at("kind") &&
           kube::key_of(there.object) == kube::key_of(wanted.object) && there.object.contains(hash) &&
           wanted.object.contains(hash) && there.object.at(hash) != wanted.object.at(hash);
  });
}

bool is_there(const std::vector<Placed>& objects, const Placed& wanted) {
  return std::any_of(objects.begin(), objects.end(), [&](const Placed& there) {
    return there.site == wanted.site && there.object.at("kind") == wanted.object.at("kind") &&
           kube::key_of(there.object) == kube::key_of(wanted.object);
  });
}

bool is_optional(const kube::ResourceType& type) {
  return std::ranges::any_of(child_kinds(),
                             [&](const ChildKind& child) { return child.optional && child.type.kind == type.kind; });
}

// Gone already, or another object by now: either way this one is not there any more.
bool is_gone(const kube::Error& error) {
  return error.kind == kube::ErrorKind::not_found || error.kind == kube::ErrorKind::conflict;
}

// Every further request to the same site would end alike, and later.
bool is_for_all(kube::ErrorKind kind) {
  return kind == kube::ErrorKind::unreachable || kind == kube::ErrorKind::cancelled || kind == kube::ErrorKind::fenced;
}

json slim(json object) {
  if (object.contains("metadata")) object["metadata"].erase("managedFields");
  return object;
}

}  // namespace

Deadline Writer::deadline(const std::string& site) const {
  return Deadline::after(clock_, site.empty() ? home_budget : remote_budget);
}

void Writer::remember_made(const std::string& before, OwnWrites::Name name, std::string sent, kube::Receipt receipt) {
  only_made_ = only_made_ && name.site.empty();
  made_.add(name.kind, name.key, receipt.version);
  memory_.children.remember(before, std::move(name), std::move(sent), std::move(receipt), clock_.steady());
}

std::optional<Sight> Writer::sight_after(Sight before) const {
  if (!only_made_ || !errors_.empty() || !refusals_.empty()) return std::nullopt;
  return before += made_;
}

const kube::Error* Writer::error() const {
  return errors_.empty() ? nullptr : &errors_.begin()->second;
}

const kube::Error* Writer::refusal() const {
  return refusals_.empty() ? nullptr : &refusals_.begin()->second;
}

template <class Request>
bool Writer::at(const std::string& name, Request request) {
  const auto failed = errors_.find(name);
  if (failed != errors_.end() && is_for_all(failed->second.kind)) return false;
  const auto site = watches_.site(cluster_.namespace_name, name);
  kube::Result<> done = site ? request(*site) : kube::fail(kube::Error(kube::ErrorKind::unreachable, "no connection"));
  if (done) return true;
  watches_.failed(cluster_.namespace_name, name, done.error());
  const kube::Error error = name.empty() ? done.error() : done.error().within("at " + name);
  if (!error.transient() && error.kind != kube::ErrorKind::cancelled) refusals_.emplace(name, error);
  errors_.emplace(name, error);
  return false;
}

void Writer::carry_out(const Plan& plan, const Observed& observed, const json& object,
                       const std::set<std::string>& settled) {
  // Before anything is made elsewhere, and after all is gone there.
  if (plan.record) record(object, *plan.record);
  if (plan.record && !errors_.empty()) return;
  for (const auto& placed : plan.apply) apply(placed, observed, settled.contains(placed.site));
  for (const auto& ref : plan.prune) remove(ref, std::nullopt);
  const auto untroubled = [&](const std::string& site) { return !errors_.contains(site); };
  for (const auto& pod : plan.pods_apply) {
    if (untroubled(pod.site)) patch_pod(pod, false);
  }
  for (const auto& pod : plan.pods_status) {
    if (untroubled(pod.site)) patch_pod(pod, true);
  }
  for (const auto& [ref, grace] : plan.remove) {
    if (untroubled(ref.site)) remove(ref, grace);
  }
}

bool Writer::create(const Placed& placed) {
  const json& object = placed.object;
  const auto* type = type_of(object.at("kind"));
  const kube::ObjectKey key = kube::key_of(object);
  bool is_new = true;
  const bool done = at(placed.site, [&](const Site& site) -> kube::Result<> {
    const std::string before = site.version_of(type->kind, key);
    std::string text = kube::json_text(object);
    auto receipt = site.client().write_new(*type, key, text, deadline(placed.site));
    if (!receipt && receipt.error().kind == kube::ErrorKind::already_exists) {
      // The cache does not show it: it lags, or somebody took the labels away. The keys that are there count, not the
      // ones just made up.
      auto live = site.client().get(*type, key, deadline(placed.site));
      if (!live) return kube::fail(live.error());
      json labelled = object;
      labelled["data"] = live->value("data", json::object());
      labelled["metadata"]["resourceVersion"] = kube::resource_version_of(*live);
      const json noted = live->at("metadata").value("annotations", json::object());
      for (auto& [name, value] : labelled["metadata"]["annotations"].items()) value = noted.value(name, "");
      text = kube::json_text(labelled);
      receipt = site.client().write(*type, key, text, as_operator, deadline(placed.site));
      only_made_ = is_new = false;
    }
    if (!receipt) return kube::fail(receipt.error());
    remember_made(before, {placed.site, type->kind, key}, std::move(text), std::move(*receipt));
    return {};
  });
  if (!done) return false;
  written_.created.push_back(name_for_people(placed));
  log::info("created", {{"object", written_.created.back()}, {"namespace", key.namespace_name}});
  return is_new;
}

void Writer::apply(const Placed& placed, const Observed& observed, bool settled) {
  const auto* type = type_of(placed.object.at("kind"));
  const kube::ObjectKey key = kube::key_of(placed.object);
  std::optional<kube::Error> missing;
  const auto change = [&](const Site& site, const std::string& before) -> kube::Result<> {
    auto applied = site.client().apply(*type, placed.object, as_operator, deadline(placed.site));
    if (!applied) return kube::fail(applied.error());
    only_made_ = false;
    memory_.children.remember(before, {placed.site, slim(std::move(*applied))}, clock_.steady());
    return {};
  };
  // Of what is new, what was asked for and its metadata are all that need be known until the watch shows it.
  const auto make = [&](const Site& site) -> kube::Result<> {
    std::string text = kube::json_text(placed.object);
    auto receipt = site.client().write(*type, key, text, as_operator, deadline(placed.site));
    if (!receipt) return kube::fail(receipt.error());
    remember_made("", {placed.site, type->kind, key}, std::move(text), std::move(*receipt));
    return {};
  };
  const bool done = at(placed.site, [&](const Site& site) -> kube::Result<> {
    const std::string before = site.version_of(type->kind, key);
    auto done = before.empty() ? make(site) : change(site, before);
    const bool refused = !done && !done.error().transient() && done.error().kind != kube::ErrorKind::cancelled;
    if (refused && is_optional(*type)) {
      missing =
          done.error().kind != kube::ErrorKind::not_found
              ? done.error()
              : kube::Error(kube::ErrorKind::not_found, "this Kubernetes cluster knows no " + type->kind,
                            "install " + type->group + "'s definitions, or take what asks for them out of the spec");
      return {};
    }
    return done;
  });
  // Told, but no reason to leave the relays alone.
  if (missing) refusals_.emplace(placed.site, *missing);
  if (!done || missing) return;
  std::string name = name_for_people(placed);
  log::info("applied", {{"object", name}, {"namespace", key.namespace_name}});
  // Signing keys are changed by their rotation.
  if (!kube::text_at(placed.object, "/data/keys.json").empty()) return;
  if (settled && !is_asked_anew(observed.children, placed)) {
    written_.restored.push_back(std::move(name));
  } else if (!is_there(observed.children, placed)) {
    written_.created.push_back(std::move(name));
  }
}

void Writer::patch_pod(const Placed& pod, bool status) {
  only_made_ = false;
  const kube::ObjectKey key = kube::key_of(pod.object);
  at(pod.site, [&](const Site& site) -> kube::Result<> {
    const std::string before = site.version_of(kube::pods.kind, key);
    auto& client = site.client();
    auto applied = status ? client.apply_status(kube::pods, pod.object, as_operator, deadline(pod.site))
                          : client.apply(kube::pods, pod.object, as_operator, deadline(pod.site));
    if (!applied && is_gone(applied.error())) return {};
    if (!applied) return kube::fail(applied.error());
    memory_.pods.remember(before, {pod.site, slim(std::move(*applied))}, clock_.steady());
    return {};
  });
}

void Writer::remove(const ObjectRef& ref, std::optional<std::chrono::seconds> grace) {
  only_made_ = false;
  const auto* type = type_of(ref.kind);
  const bool done = at(ref.site, [&](const Site& site) -> kube::Result<> {
    auto removed = site.client().remove(*type, {ref.namespace_name, ref.name}, {.uid = ref.uid, .grace = grace},
                                        deadline(ref.site));
    if (!removed && !is_gone(removed.error())) return removed;
    return {};
  });
  if (!done) return;
  log::info("removed", {{"object", ref.kind + " " + ref.name}, {"namespace", ref.namespace_name}, {"site", ref.site}});
}

void Writer::record(const json& object, const std::set<std::string>& sites) {
  only_made_ = false;
  const std::string before = watches_.version_of(cluster_);
  at("", [&](const Site& home) -> kube::Result<> {
    auto applied = home.client().apply(turn_clusters, record_patch(object, sites), as_operator, deadline(""));
    if (!applied && is_gone(applied.error()) && sites.empty()) return {};
    if (!applied) return kube::fail(applied.error());
    // What was asked for since it was read is not what this pass answers: then no status is written.
    if (applied->at("metadata").value("generation", 0) == object.at("metadata").value("generation", 0)) {
      recorded_ = kube::resource_version_of(*applied);
    }
    memory_.object.remember(before, {"", slim(std::move(*applied))}, clock_.steady());
    return {};
  });
}

void Writer::write_status(json object, json status) {
  if (const auto there = object.find("status"); there != object.end() ? *there == status : status.is_null()) return;
  // With its version: what was asked for since is answered by the pass that the watch will bring.
  const std::string version = recorded_.empty() ? kube::resource_version_of(object) : recorded_;
  json patch = {{"apiVersion", turn_clusters.api_version()},
                {"kind", turn_clusters.kind},
                {"metadata",
                 {{"name", cluster_.name},
                  {"namespace", cluster_.namespace_name},
                  {"uid", kube::uid_of(object)},
                  {"resourceVersion", version}}},
                {"status", std::move(status)}};
  // Asked before the write: what the watch brings meanwhile is newer than it, and must not be taken for its past.
  const std::string before = watches_.version_of(cluster_);
  at("", [&](const Site& home) -> kube::Result<> {
    auto applied = home.client().write_status(turn_clusters, patch, as_operator, deadline(""));
    if (!applied && is_gone(applied.error())) {
      only_made_ = false;
      return {};
    }
    if (!applied) return kube::fail(applied.error());
    made_.remove(turn_clusters.kind, cluster_, version);
    made_.add(turn_clusters.kind, cluster_, applied->version);
    object["status"] = std::move(patch["status"]);
    memory_.object.remember(before, {"", turn_clusters.kind, cluster_}, kube::json_text(object), std::move(*applied),
                            clock_.steady());
    return {};
  });
}

}  // namespace turnkeeper::op
