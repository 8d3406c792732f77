// Builds the Kubernetes objects that the operator makes for a TurnCluster, ready for server-side apply: only the fields
// that it owns. Pure; the same input gives the same bytes.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/api/signing_keys.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

// One for each cluster. Data: keys.json.
[[nodiscard]] nlohmann::json signing_keys_secret(const api::TurnCluster& cluster, const api::SigningKeys& keys);

// Where relays are reached that have other addresses outside than their own, as agents are told; each list holds
// literals, at most one of each family. An entry of `relays` (by pod name) wins over that of the relay's node.
struct PublicAddresses {
  std::map<std::string, std::vector<std::string>> nodes;
  std::map<std::string, std::vector<std::string>> relays;
  std::optional<std::uint64_t> bits_per_second_per_session;  // in the place of that in limits, without a restart
};

// The rest: one of each for a region.
// Data: relay.json, what the agent renders coturn's configuration from, and addresses.json, which it follows.
[[nodiscard]] nlohmann::json config_map(const api::TurnCluster& cluster, const api::Region& region,
                                        const PublicAddresses& addresses);
// No rights and no token; one of their own, so that what is granted to "default" is not granted to relays.
[[nodiscard]] nlohmann::json service_account(const api::TurnCluster& cluster, const api::Region& region);
// `agent_image` holds /usr/bin/turnkeeper-agent, which an init container copies beside coturn.
[[nodiscard]] nlohmann::json stateful_set(const api::TurnCluster& cluster, const api::Region& region,
                                          const std::string& agent_image);
// Headless: its name holds the relays that are ready, which means proven.
[[nodiscard]] nlohmann::json service(const api::TurnCluster& cluster, const api::Region& region);
// One for each relay, with exposure LoadBalancer or NodePort.
[[nodiscard]] nlohmann::json relay_service(const api::TurnCluster& cluster, const api::Region& region, int ordinal);
[[nodiscard]] nlohmann::json disruption_budget(const api::TurnCluster& cluster, const api::Region& region);
[[nodiscard]] nlohmann::json network_policy(const api::TurnCluster& cluster, const api::Region& region);

// The relay's configuration as in the ConfigMap; its hash is the pod template's config-hash annotation.
[[nodiscard]] std::string relay_document(const api::TurnCluster& cluster, const api::Region& region);
[[nodiscard]] std::string addresses_document(const PublicAddresses& addresses);

// The relays' certificate for another site, from the Secret at home that holds it.
[[nodiscard]] nlohmann::json tls_secret_copy(const api::TurnCluster& cluster, const std::string& site,
                                             const nlohmann::json& source);
// What cert-manager (cert-manager.io/v1) is asked for. Needs spec.tls with an issuer, and spec.dns.
[[nodiscard]] nlohmann::json certificate(const api::TurnCluster& cluster);

// A relay as DNS has it.
struct NamedRelay {
  std::string name;    // "eu-west-0"
  std::string region;  // "eu-west"
  // Where clients connect: literals, or one host name. Empty: not known at the moment.
  std::vector<std::string> addresses;
  bool proven = false;  // clients may be sent there
};
// What external-dns (externaldns.k8s.io/v1alpha1) is asked for. Needs spec.dns. The cluster's name and those of its
// regions hold the relays that are proven, a relay's own name that relay. A name that nothing is known for keeps what
// it has in `live`, the object as it stands (null: there is none): no answer would be worse than an old one.
[[nodiscard]] nlohmann::json dns_endpoint(const api::TurnCluster& cluster, const std::vector<NamedRelay>& relays,
                                          const nlohmann::json& live);

// Not a cluster's child: what monitors mount to start without the operator. Data: targets.json, `targets` as it stands.
[[nodiscard]] nlohmann::json snapshot_secret(const std::string& namespace_name, const std::string& name,
                                             const Secret& targets);

}  // namespace turnkeeper::op
