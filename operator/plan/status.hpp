// A TurnCluster's status: what was found, as values and as the JSON of the status subresource. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/plan/provider.hpp"
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
  std::string version;                   // of coturn; empty: its agent was not heard
  std::optional<std::int64_t> sessions;  // about: see below; unset likewise
};

struct RegionStatus {
  std::string name;
  api::Verdict verdict = api::Verdict::unknown;
  int relays = 0;  // that there should be
  int healthy = 0;
  std::optional<SystemTime> replaced;  // when a wedged relay of it was replaced last
  // Whose relays its clients are sent to, as spec.failover.use has it: its own when any of them works, else those of
  // the first backup with one, else "provider NAME", else "".
  std::string served_by;
};

struct CredentialsStatus {
  std::string phase;        // of the signing keys' rotation: see rotation.hpp; empty: not known
  std::string current_key;  // the id of the one that issues
  std::optional<SystemTime> next_rotation;
  std::string request;  // the last one that was followed
  // The condition CredentialsCurrent.
  bool current = true;
  std::string reason;
  std::string message;
};

struct Status {
  std::int64_t observed_generation = 0;
  api::Conditions conditions;
  std::vector<RegionStatus> regions;
  std::vector<RelayStatus> relays;
  std::optional<CredentialsStatus> credentials;
  int replicas = 0;       // that a region without a number of its own has: for the scale subresource
  std::string selector;   // of the relays' pods, likewise
  nlohmann::json budget;  // null: none is given
};

// What the judgement rests on beside the spec.
struct StatusInput {
  std::vector<RelayPod> pods;
  ClusterHealth health;
  std::map<std::string, std::string> target_revisions;  // region -> revision of its StatefulSet's newest pod template
  bool changing = false;                                // something is still to be applied or removed
  std::string stalled_reason;                           // CamelCase; empty: not stalled
  std::string stalled_message;
  std::optional<CredentialsStatus> credentials;    // unset: there are no signing keys yet
  std::map<std::string, std::string> unreachable;  // sites, and why: what is known of their relays is what monitors see
  std::map<std::string, SystemTime> replaced;      // region -> when a wedged relay of it was replaced last
  std::vector<std::string> waiting;                // why relays that should be renewed stay for now
  std::vector<std::string> stuck;                  // why relays stay on cordoned nodes
  std::optional<api::Condition> certificate_valid;
  std::optional<api::Condition> within_budget;
  std::vector<ProviderState> providers;
  nlohmann::json budget;
  bool fresh_figures = true;  // false: sessions stay as they were written last
  nlohmann::json previous;    // the status as it stands; may be null
};

// Sessions change all the time, and a write for each would be one for nothing: a figure stays as it was written until
// it is off by 5 and by a tenth.
//
// Without a fresh monitor, relays are Unknown and the pods' readiness decides who serves (fail open): Ready says so in
// its reason.
[[nodiscard]] Status compute_status(const api::TurnCluster& cluster, const StatusInput& input, SystemTime now);

// For kstatus what is Reconciling is on its way, Stalled or not: a tool would wait for it until its patience ends. So
// nothing is Reconciling while the cluster is Stalled, but its deletion; what is still to be done stays in the message.
void yield_to_stalled(std::vector<api::Condition>& conditions);

// A TurnCluster that the API server took but this operator cannot use: Stalled, with all problems in the message. What
// the old status says about regions and relays stays, since they run on. `object` is the TurnCluster as read.
[[nodiscard]] nlohmann::json refused_status(const nlohmann::json& object, const api::Problems& problems,
                                            SystemTime now);

// The status subresource's content. Stable: equal values give equal JSON, so it can be compared with what is there.
[[nodiscard]] nlohmann::json to_json(const Status& status);

// The region's backups in order: those that it names; or all others, the nearest first as monitors say, then as listed.
[[nodiscard]] std::vector<std::string> backups_of(const api::Spec& spec, const api::Region& region,
                                                  const ClusterHealth& health);

}  // namespace turnkeeper::op
