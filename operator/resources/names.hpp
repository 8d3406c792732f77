// The names, labels and owner reference of everything that the operator makes for a TurnCluster. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

inline constexpr const char* field_manager = "turnkeeper-operator";
inline constexpr const char* cluster_label = "turnkeeper.io/cluster";
inline constexpr const char* region_label = "turnkeeper.io/region";
inline constexpr const char* config_hash_annotation = "turnkeeper.io/config-hash";
inline constexpr const char* applied_hash_annotation = "turnkeeper.io/applied-hash";

// "calls-eu-west": the region's StatefulSet, ConfigMap, Service, PodDisruptionBudget and NetworkPolicy.
[[nodiscard]] std::string region_child_name(const api::TurnCluster& cluster, const api::Region& region);
// "calls-signing-keys": the cluster's Secret.
[[nodiscard]] std::string signing_keys_name(const api::TurnCluster& cluster);
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
