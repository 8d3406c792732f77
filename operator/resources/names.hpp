// The names, labels and owner reference of everything that the operator makes for a TurnCluster. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

inline constexpr const char* field_manager = "turnkeeper-operator";
inline constexpr const char* cluster_label = "turnkeeper.io/cluster";
inline constexpr const char* region_label = "turnkeeper.io/region";
inline constexpr const char* owner_uid_label = "turnkeeper.io/owner-uid";
inline constexpr const char* config_hash_annotation = "turnkeeper.io/config-hash";
inline constexpr const char* applied_hash_annotation = "turnkeeper.io/applied-hash";
// On what belongs to a monitor that the operator runs: its Deployment's name.
inline constexpr const char* vantage_label = "turnkeeper.io/vantage";
// On pods that may talk to the agents beside relays: "true".
inline constexpr const char* agent_client_label = "turnkeeper.io/agent-client";
// On a pod: the exposure that it was made for.
inline constexpr const char* exposure_annotation = "turnkeeper.io/exposure";
// On a pod: since when clients are moved away from its relay, before it is deleted.
inline constexpr const char* draining_annotation = "turnkeeper.io/draining";
// A pod's condition and readiness gate, and its reason while no allocation has succeeded on that pod.
inline constexpr const char* proven_condition = "turnkeeper.io/proven";
inline constexpr const char* never_proven_reason = "NotYetProven";

// "calls-eu-west": the region's StatefulSet, ConfigMap, Service, ServiceAccount, PodDisruptionBudget and NetworkPolicy.
[[nodiscard]] std::string region_child_name(const api::TurnCluster& cluster, const api::Region& region);
// "calls-eu-west-0": a relay's pod, and its own Service when it has one.
[[nodiscard]] std::string relay_service_name(const api::TurnCluster& cluster, const api::Region& region, int ordinal);
// "calls-signing-keys": the cluster's Secret.
[[nodiscard]] std::string signing_keys_name(const api::TurnCluster& cluster);
// "calls-tls": the cert-manager Certificate, and the Secret that it fills.
[[nodiscard]] std::string certificate_name(const api::TurnCluster& cluster);
// The Secret with the relays' certificate at that site ("" is home): the one that somebody named, or
// certificate_name().
[[nodiscard]] std::string tls_secret_name(const api::TurnCluster& cluster, const std::string& site);
// "eu-west-0": what the relay in pod "calls-eu-west-0" is called.
[[nodiscard]] std::string relay_name(const std::string& region, int ordinal);
// "telephony/calls", the cluster's name towards monitors; just the name without a namespace.
[[nodiscard]] std::string cluster_id(const api::TurnCluster& cluster);

// On every child; with the region's label when there is one.
[[nodiscard]] nlohmann::json labels(const api::TurnCluster& cluster, const api::Region* region);
// Selects the pods of one region.
[[nodiscard]] nlohmann::json selector(const api::TurnCluster& cluster, const api::Region& region);
// apiVersion, kind and metadata: what every child begins with.
[[nodiscard]] nlohmann::json child(const api::TurnCluster& cluster, const api::Region* region, const char* api_version,
                                   const char* kind, const std::string& name);

}  // namespace turnkeeper::op
