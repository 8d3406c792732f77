// What is to be done for a TurnCluster: the difference between what it asks for and what was observed. Pure.
//
//   Plan plan = op::plan(cluster, observed, settings, clock.system());
//   if (auto keys = first_signing_keys(...)) ...                            // as in plan.create, before the rest
//   if (plan.record) client.apply(finalizer and annotation of the TurnCluster)
//   for (auto& [site, object] : plan.create) client(site).create(object);   // POST; "already exists": look again
//   for (auto& [site, object] : plan.apply) client(site).apply(object);     // server-side apply, force
//   for (auto& ref : plan.prune) client(ref.site).remove(ref);              // with the uid as a precondition
//   for (auto& [site, pod] : plan.pod_status) client(site).apply_status(pod);
//   for (auto& [ref, grace] : plan.remove) client(ref.site).remove(ref, grace);
//   if (plan.status != observed.status) client.apply_status(...)
//
// At rest all lists are empty and the status is what it was: a pass writes nothing.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/plan/budget.hpp"
#include "operator/plan/placed.hpp"
#include "operator/plan/relay_health.hpp"
#include "operator/plan/relay_life.hpp"
#include "operator/plan/relay_pod.hpp"
#include "operator/plan/secret_entry.hpp"
#include "operator/resources/vantage.hpp"
#include "operator/rotation/phase_ages.hpp"
#include "operator/rotation/rotation_record.hpp"
#include "turnkeeper/api/signing_keys.hpp"
#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::op {

// The signing keys and their record as they were read last.
struct HeldKeys {
  std::string cluster_uid;
  api::SigningKeys keys;
  RotationRecord record;
};

// What one pass leaves to the next. Lost with the process; that only makes later what would have been, and the traffic
// of the minute before is not booked.
struct PlanMemory {
  std::map<std::string, SystemTime> low_since;      // region -> since when it could do with fewer relays
  std::map<std::string, SystemTime> missing_since;  // relay -> since when it has no pod
  std::set<std::string> cut_told;                   // uids of pods that are going, of whose cut sessions was told
  TrafficMeter meter;
  SystemTime numbers_at;         // when the status's figures were written last
  PhaseSights sights;            // of the signing keys
  std::optional<HeldKeys> keys;  // should somebody delete their Secret: relays and clients go on with them
};

// All as read from the API server (a cache will do: children have fixed names, so a stale view ends in a no-op or a
// conflict, never in a duplicate).
struct Observed {
  // Secrets, ConfigMaps, Services, StatefulSets, PodDisruptionBudgets and NetworkPolicies of the cluster's namespace
  // that carry its label turnkeeper.io/cluster. Each has its kind and apiVersion.
  std::vector<Placed> children;
  std::vector<Placed> pods;  // with the same label
  Nodes nodes;
  // Site -> why nothing is heard of it. Children and pods there are those last seen, or none at all.
  std::map<std::string, std::string> unreachable;
  // The sites whose Kubernetes (1.31 or newer) lets a StatefulSet begin with another ordinal than 0.
  std::set<std::string> may_start_higher = {""};
  // Those of referenced_secrets() that are there, by name.
  Secrets secrets;
  UnreadSecrets unread_secrets;
  // The Secret that Settings::vantage_certificate makes the certificates of vantages from; null: there is none.
  nlohmann::json vantage_tls;
  std::vector<VantageReport> reports;
  std::map<std::string, std::string> annotations;  // the TurnCluster's
  std::set<std::string> recorded;                  // the sites that its record names; see Plan::record
  std::optional<SystemTime> deleted_at;            // its deletionTimestamp
  nlohmann::json status;                           // the TurnCluster's; may be null
  SteadyTime steady;                               // at the same moment as plan()'s `now`
  PlanMemory memory;                               // of the pass before
};

struct Settings {
  std::string agent_image;                 // holds turnkeeper-agent, and turnkeeper-monitor for vantages
  std::optional<VantageSettings> vantage;  // unset: no monitors are run for TurnClusters
  // The data (ca.crt, tls.crt, tls.key) of the Secret by which a vantage of this name proves who it is, from
  // Observed::vantage_tls. `held` is its Secret as it stands, or null. Null: it cannot be made at the moment. Unless
  // something else is set, all share one: what `source` holds.
  std::function<nlohmann::json(const nlohmann::json& source, const std::string& vantage, const nlohmann::json& held)>
      vantage_certificate = [](const auto& source, const auto&, const auto&) { return source.at("data"); };
  // Makes a signing key's secret.
  std::function<Secret()> new_secret = [] { return Secret::random(32); };
  // For how long the deletion of a TurnCluster waits for sites that do not answer.
  std::chrono::seconds deletion_patience{300};
};

struct ObjectRef {
  std::string site;
  std::string api_version;
  std::string kind;
  std::string namespace_name;
  std::string name;
  std::string uid;
  bool operator==(const ObjectRef&) const = default;
};

struct Removal {
  ObjectRef ref;
  std::optional<std::chrono::seconds> grace;  // in the place of the pod's own
  bool operator==(const Removal&) const = default;
};

struct Plan {
  // The sites other than home where children may be (record.hpp). Set when the record has to change: before anything is
  // made there, and after all is gone.
  std::optional<std::set<std::string>> record;
  std::vector<std::string> left_behind;  // sites that a deletion gave up on: "us-east: connection refused"
  // The signing keys' Secret, when there is none. Never applied over one that a stale cache did not show: that would
  // replace keys that relays and clients use. Before the rest, which mounts it.
  std::vector<Placed> create;
  std::vector<Placed> apply;        // in this order; only those that differ from what is there
  std::vector<ObjectRef> prune;     // children that are not asked for any more
  std::vector<Placed> pods_apply;   // Pods: metadata alone, by server-side apply, with the uid as a precondition
  std::vector<Placed> pods_status;  // Pods: status alone, likewise
  std::vector<Removal> remove;      // pods to delete: most come back by their StatefulSet
  nlohmann::json status;            // what .status should be
  std::vector<RelayPod> pods;       // for the monitors' targets
  api::SigningKeys keys;            // for the monitors' targets; empty until a Secret is there and can be read
  std::vector<Replaced> replaced;   // among `remove`, for the metric
  std::vector<Notice> notices;      // to be told when all of this is done
  std::optional<double> cost;       // of the month, as far as known; unset: no budget is given
  PlanMemory memory;
  std::optional<std::chrono::seconds> requeue;  // look again then, even if nothing happens

  // At the latest in so long.
  void look_again(std::chrono::seconds in) { requeue = requeue ? std::min(*requeue, in) : in; }
};

// Secrets of the TurnCluster's namespace that others keep and that are read: those of tls, of credentials, and of
// providers.
[[nodiscard]] std::set<std::string> referenced_secrets(const api::TurnCluster& cluster);

// A cluster that is paused gets a status and nothing else. So does one that is being deleted: the garbage collector
// takes its children, which have owner references; those at other sites are pruned, and the finalizer goes when they
// are gone. For a site that is unreachable nothing is planned; it never keeps the others waiting. A Secret that is
// there but cannot be read is never replaced: relays may still honour its keys. The cluster stalls.
[[nodiscard]] Plan plan(const api::TurnCluster& cluster, const Observed& observed, const Settings& settings,
                        SystemTime now);

}  // namespace turnkeeper::op
