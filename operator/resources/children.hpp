// Builds the Kubernetes objects that the operator makes for a TurnCluster, ready for server-side apply: only the fields
// that it owns. Pure; the same input gives the same bytes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "turnkeeper/api/signing_keys.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

// One for each cluster. Data: keys.json.
[[nodiscard]] nlohmann::json signing_keys_secret(const api::TurnCluster& cluster, const api::SigningKeys& keys);

// The rest: one of each for a region.
// Data: relay.json, what the agent renders coturn's configuration from.
[[nodiscard]] nlohmann::json config_map(const api::TurnCluster& cluster, const api::Region& region);
// `agent_image` holds /usr/bin/turnkeeper-agent, which an init container copies beside coturn.
[[nodiscard]] nlohmann::json stateful_set(const api::TurnCluster& cluster, const api::Region& region,
                                          const std::string& agent_image);
// Headless, with the addresses of pods that are not ready too.
[[nodiscard]] nlohmann::json service(const api::TurnCluster& cluster, const api::Region& region);
[[nodiscard]] nlohmann::json disruption_budget(const api::TurnCluster& cluster, const api::Region& region);
[[nodiscard]] nlohmann::json network_policy(const api::TurnCluster& cluster, const api::Region& region);

// The relay's configuration as in the ConfigMap; its hash is the pod template's config-hash annotation.
[[nodiscard]] std::string relay_document(const api::TurnCluster& cluster, const api::Region& region);

// Not a cluster's child: what monitors mount to start without the operator. Data: targets.json, `targets` as it stands.
[[nodiscard]] nlohmann::json snapshot_secret(const std::string& namespace_name, const std::string& name,
                                             const Secret& targets);

}  // namespace turnkeeper::op
