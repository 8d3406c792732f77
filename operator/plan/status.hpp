// A TurnCluster's status: what was found, as values and as the JSON of the status subresource. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/plan/relay_health.hpp"
#include "operator/plan/relay_pod.hpp"
#include "turnkeeper/api/conditions.hpp"
#include "turnkeeper/api/health.hpp"
#include "turnkeeper/api/problem.hpp"
#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::op {

struct RelayStatus {
  std::string name;
  std::string region;
  std::string address;
  api::Verdict verdict = api::Verdict::unknown;
  api::Cause cause = api::Cause::none;
  SystemTime since;
};

struct RegionStatus {
  std::string name;
  api::Verdict verdict = api::Verdict::unknown;
  int relays = 0;  // that there should be
  int healthy = 0;
  std::string served_by;  // itself when any of its relays works, else the first backup with one, else ""
};

struct Status {
  std::int64_t observed_generation = 0;
  api::Conditions conditions;
  std::vector<RegionStatus> regions;
  std::vector<RelayStatus> relays;
};

// What the judgement rests on beside the spec.
struct StatusInput {
  std::vector<RelayPod> pods;
  ClusterHealth health;
  std::map<std::string, std::string> target_revisions;  // region -> revision of its StatefulSet's newest pod template
  bool changing = false;                                // something is still to be applied or removed
  std::string stalled_reason;                           // CamelCase; empty: not stalled
  std::string stalled_message;
  nlohmann::json previous;  // the status as it stands; may be null
};

// Without a fresh monitor, relays are Unknown and the pods' readiness decides who serves (fail open): Ready says so in
// its reason.
[[nodiscard]] Status compute_status(const api::TurnCluster& cluster, const StatusInput& input, SystemTime now);

// A TurnCluster that the API server took but this operator cannot use: Stalled, with all problems in the message. What
// the old status says about regions and relays stays, since they run on. `object` is the TurnCluster as read.
[[nodiscard]] nlohmann::json refused_status(const nlohmann::json& object, const api::Problems& problems,
                                            SystemTime now);

// The status subresource's content. Stable: equal values give equal JSON, so it can be compared with what is there.
[[nodiscard]] nlohmann::json to_json(const Status& status);

// The region's backups in order: those that it names, or all others as listed.
[[nodiscard]] std::vector<std::string> backups_of(const api::Spec& spec, const api::Region& region);

}  // namespace turnkeeper::op
