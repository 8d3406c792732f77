#include "operator/controller/reconciler.hpp"

#include <algorithm>
#include <utility>

#include "operator/controller/writer.hpp"
#include "operator/plan/certificate.hpp"
#include "operator/plan/credentials.hpp"
#include "operator/plan/status.hpp"
#include "operator/plan/targets.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/api/conditions.hpp"
#include "turnkeeper/api/parse.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

constexpr const char* paused_annotation = "turnkeeper.io/paused";
constexpr std::chrono::milliseconds refusal_patience{10'000};

// The planned status when what it rests on could not be written: the cluster is stalled until someone removes the
// obstacle. Transition times are kept while that lasts.
json stalled_by(const kube::Error& error, const json& before, json planned, std::int64_t generation, SystemTime now) {
  auto entries = api::conditions_from_json(planned["conditions"]);
  for (auto& entry : entries) {
    if (entry.type != "Stalled") continue;
    entry = {.type = "Stalled",
             .status = api::ConditionStatus::yes,
             .reason = "WriteRefused",
             .message = error.text(),
             .observed_generation = generation};
  }
  yield_to_stalled(entries);
  auto conditions = api::conditions_from_json(before.is_object() ? before.value("conditions", json()) : json());
  for (auto& entry : entries) {
    api::set_condition(conditions, entry, now);
    entry = *api::find_condition(conditions, entry.type);
  }
  planned["conditions"] = api::to_json(entries);
  return planned;
}

std::optional<SystemTime> certificate_expiry(const api::TurnCluster& cluster, const Observed& observed) {
  if (!cluster.spec.tls) return std::nullopt;
  const auto secret = observed.secrets.find(tls_secret_name(cluster, ""));
  if (secret == observed.secrets.end()) return std::nullopt;
  const auto pem = base64_decode(kube::text_at(secret->second, "/data/tls.crt"));
  if (!pem) return std::nullopt;
  const auto certificate = first_certificate(*pem);
  return certificate ? std::optional(certificate->not_after) : std::nullopt;
}

std::set<std::string> sites_settled_for(std::int64_t generation, const std::map<std::string, std::int64_t>& settled) {
  std::set<std::string> sites;
  for (const auto& [site, settled_for] : settled) {
    if (settled_for == generation) sites.insert(site);
  }
  return sites;
}

bool is_at_rest(const Plan& plan) {
  return plan.create.empty() && plan.apply.empty() && plan.prune.empty() && plan.remove.empty() && !plan.record;
}

}  // namespace

Reconciler::Memory& Reconciler::memory_of(const kube::ObjectKey& key) {
  std::lock_guard lock(mutex_);
  return memories_[key];
}

void Reconciler::forget(const kube::ObjectKey& key) {
  in_.targets.withdraw(key.text());
  in_.watches.forget(key);
  in_.metrics.forget(key);
  std::lock_guard lock(mutex_);
  memories_.erase(key);
}

Outcome Reconciler::reconcile(const kube::ObjectKey& key) {
  // The sight first: what changes while the rest is read must differ from it.
  const Sight sight = in_.watches.sight(key);
  if (in_.watches.version_of(key).empty()) {
    forget(key);
    return {};
  }
  const SteadyTime now = in_.clock.steady();
  Memory& memory = memory_of(key);
  if (const auto made = std::exchange(memory.made, std::nullopt)) {
    // Our own writes come back as changes: nothing but them is no reason for a pass.
    if (made->sight == sight && (!made->due || now < *made->due) && in_.health.reports(key.text()).empty()) {
      memory.made = made;
      memory.object = {};
      memory.children = {};
      Outcome unchanged;
      if (made->due) unchanged.look_again = std::chrono::ceil<std::chrono::milliseconds>(*made->due - now);
      return unchanged;
    }
  }
  const auto cached = in_.watches.clusters().get(key);
  // It went this moment, and its going wakes the next pass.
  if (!cached) return {};
  std::vector<Placed> itself;
  itself.push_back({"", *cached});
  memory.object.complete(itself, now);
  const json& object = itself.front().object;
  auto parsed = api::parse_object(object);
  if (!parsed) return refuse(object, parsed.error(), memory);
  api::TurnCluster cluster = std::move(*parsed);

  Writer writer(in_.watches, in_.clock, key, {memory.object, memory.children, memory.pods});
  Observed observed = in_.watches.observe(cluster, object);
  const auto paused = observed.annotations.find(paused_annotation);
  if (paused != observed.annotations.end() && paused->second == "true") cluster.spec.paused = true;
  observed.reports = in_.health.reports(key.text());
  observed.steady = now;
  observed.memory = std::move(memory.plan);
  bool children_ahead = memory.children.complete(observed.children, now);
  // Nothing is there and nothing needs to be waited for: what is made now is all that a next pass would find.
  const bool from_nothing = observed.children.empty() && observed.pods.empty() && observed.reports.empty() &&
                            observed.recorded.empty() && referenced_secrets(cluster).empty() &&
                            sites_of(cluster) == std::vector<std::string>{""} && !settings_.vantage &&
                            !cluster.deleting && !cluster.spec.paused && memory.object.empty();
  memory.pods.complete(observed.pods, now);
  // The keys first: what is just created decides about the rest, and about the status.
  auto first = first_signing_keys(cluster, observed, settings_, in_.clock.system());
  if (first.create) {
    // Those that are only not seen, for want of a label, are not lost.
    if (!writer.create(*first.create)) std::erase_if(first.notices, [](const auto& notice) { return notice.warning; });
    children_ahead = memory.children.complete(observed.children, now);
  }
  Plan plan = op::plan(cluster, observed, settings_, in_.clock.system());
  memory.plan = plan.memory;
  writer.carry_out(plan, observed, object, sites_settled_for(cluster.generation, memory.settled));
  if (is_at_rest(plan) && !children_ahead) {
    for (const auto& site : sites_of(cluster)) {
      if (!observed.unreachable.contains(site)) memory.settled[site] = cluster.generation;
    }
  }

  if (cluster.deleting) {
    in_.targets.withdraw(key.text());
  } else if (!plan.keys.empty()) {
    publish(cluster, plan, observed.secrets);
  }
  json after = std::move(plan.status);
  if (const auto* refusal = writer.refusal()) {
    after = stalled_by(*refusal, observed.status, std::move(after), cluster.generation, in_.clock.system());
  }
  announce(object, announcements(observed.status, after, writer.written()));
  auto in_use = observed.recorded;
  for (const auto& site : sites_of(cluster)) in_use.insert(site);
  std::erase_if(observed.unreachable, [](const auto& site) { return site.second == RemoteSite::not_asked_yet; });
  announce(object, site_announcements(memory.unreachable, observed.unreachable, in_use, plan.left_behind));
  memory.unreachable = std::move(observed.unreachable);
  if (writer.error() == nullptr) {
    announce(object, first.notices);
    announce(object, plan.notices);
    for (const auto& replaced : plan.replaced) in_.metrics.replaced(key, replaced.region, replaced.cause);
  } else {
    // The next pass tells it.
    memory.plan.cut_told = observed.memory.cut_told;
  }
  in_.metrics.estimated_cost(key, plan.cost);
  in_.metrics.certificate_expiry(key, certificate_expiry(cluster, observed));
  // With the finalizer went the object itself.
  if (!(cluster.deleting && plan.record && plan.record->empty()))
    writer.write_status(std::move(itself.front().object), std::move(after));

  Outcome outcome;
  if (const auto* error = writer.error()) outcome.error = *error;
  if (plan.requeue) outcome.look_again = *plan.requeue;
  // Such as a kind that is not installed: nothing tells when it is.
  if (writer.refusal() != nullptr && writer.error() == nullptr) {
    outcome.look_again =
        std::min<std::chrono::milliseconds>(outcome.look_again.value_or(refusal_patience), refusal_patience);
  }
  const auto version_now = [&](const std::string& site, const std::string& kind, const kube::ObjectKey& object) {
    const auto where = in_.watches.site(key.namespace_name, site);
    return where ? where->version_of(kind, object) : std::string();
  };
  memory.children.forget_seen(version_now);
  memory.pods.forget_seen(version_now);
  if (!memory.children.empty() || !memory.pods.empty()) {
    const std::chrono::milliseconds soon = OwnWrites::believed_for;
    outcome.look_again = std::min(outcome.look_again.value_or(soon), soon);
  }
  if (from_nothing && outcome.error == std::nullopt) {
    if (const auto after = writer.sight_after(sight)) {
      memory.made = {*after, plan.requeue ? std::optional(now + *plan.requeue) : std::nullopt};
      memory.settled[""] = cluster.generation;
    }
  }
  return outcome;
}

void Reconciler::publish(const api::TurnCluster& cluster, const Plan& plan,
                         const std::map<std::string, json>& secrets) {
  in_.targets.publish(cluster_targets(cluster, plan.pods, plan.keys, secrets));
}

Outcome Reconciler::refuse(const json& object, const api::Problems& problems, Memory& memory) {
  const json before = object.value("status", json());
  const json after = refused_status(object, problems, in_.clock.system());
  announce(object, announcements(before, after, {}));
  const auto key = kube::key_of(object);
  Writer writer(in_.watches, in_.clock, key, {memory.object, memory.children, memory.pods});
  writer.write_status(object, after);
  if (const auto* error = writer.error()) return {.error = *error};
  return {.error = kube::Error(kube::ErrorKind::invalid, key.text() + ": " + api::problem_text(problems.front())),
          .terminal = true};
}

void Reconciler::announce(const json& object, const std::vector<Notice>& notices) {
  for (const auto& [warning, reason, message] : notices) {
    in_.events.record(object, warning ? kube::EventType::warning : kube::EventType::normal, reason, message);
  }
}

void Reconciler::announce(const json& object, const std::vector<Announcement>& announcements) {
  for (const auto& announcement : announcements) {
    in_.events.record(object, announcement.type, announcement.reason, announcement.message);
  }
}

}  // namespace turnkeeper::op
