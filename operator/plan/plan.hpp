// What is to be done for a TurnCluster: the difference between what it asks for and what was observed. Pure.
//
//   Plan plan = op::plan(cluster, observed, settings, clock.system());
//   for (auto& object : plan.create) client.create(object);     // POST; "already exists" is fine: look again
//   for (auto& object : plan.apply) client.apply(object);       // server-side apply, force
//   for (auto& ref : plan.prune) client.remove(ref);            // with the uid as a precondition
//   if (plan.roll) client.remove(*plan.roll);
//   if (plan.status != observed.status) client.apply_status(...)
//
// At rest create, apply, prune and roll are empty and the status is what it was: a pass writes nothing.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/plan/relay_health.hpp"
#include "operator/plan/relay_pod.hpp"
#include "turnkeeper/api/signing_keys.hpp"
#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::op {

// All as read from the API server (a cache will do: children have fixed names, so a stale view ends in a no-op or a
// conflict, never in a duplicate).
struct Observed {
  // Secrets, ConfigMaps, Services, StatefulSets, PodDisruptionBudgets and NetworkPolicies of the cluster's namespace
  // that carry its label turnkeeper.io/cluster. Each has its kind and apiVersion.
  std::vector<nlohmann::json> children;
  std::vector<nlohmann::json> pods;  // with the same label
  NodeAddresses nodes;
  std::vector<VantageReport> reports;
  nlohmann::json status;  // the TurnCluster's; may be null
};

struct Settings {
  std::string agent_image;
  // Makes the first signing key's secret. Called only when there is no Secret yet.
  std::function<Secret()> new_secret = [] { return Secret::random(32); };
};

struct ObjectRef {
  std::string api_version;
  std::string kind;
  std::string namespace_name;
  std::string name;
  std::string uid;
  bool operator==(const ObjectRef&) const = default;
};

struct Plan {
  // The signing keys' Secret, when there is none. Never applied over one that a stale cache did not show: that would
  // replace keys that relays and clients use. Before the rest, which mounts it.
  std::vector<nlohmann::json> create;
  std::vector<nlohmann::json> apply;  // in this order; only those that differ from what is there
  std::vector<ObjectRef> prune;       // children that are not asked for any more
  std::optional<ObjectRef> roll;      // the next pod to delete, so that it comes back with the newest template
  nlohmann::json status;              // what .status should be
  std::vector<RelayPod> pods;         // for the monitors' targets
  api::SigningKeys keys;              // for the monitors' targets; empty until a Secret is there and can be read
  std::optional<std::chrono::seconds> requeue;  // look again then, even if nothing happens
};

// A cluster that is paused gets a status and nothing else; so does one that is being deleted (its children have owner
// references, so the garbage collector takes them).
// A Secret that is there but cannot be read is never replaced: relays may still honour its keys. The cluster stalls.
[[nodiscard]] Plan plan(const api::TurnCluster& cluster, const Observed& observed, const Settings& settings,
                        SystemTime now);

}  // namespace turnkeeper::op
