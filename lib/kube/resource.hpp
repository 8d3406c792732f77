// The kinds of objects this project reads and writes, and where they are in the API.
//
//   kube::pods.collection_path("default")          "/api/v1/namespaces/default/pods"
//   kube::stateful_sets.object_path({"ns", "eu"})  "/apis/apps/v1/namespaces/ns/statefulsets/eu"
#pragma once

#include <compare>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace turnkeeper::kube {

// Which object, within one kind. An empty namespace: the kind is not namespaced.
struct ObjectKey {
  std::string namespace_name;
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
  // "namespace/name", or "name".
  [[nodiscard]] std::string text() const;
};

struct ResourceType {
  std::string group;  // empty: the core group
  std::string version;
  std::string kind;    // "StatefulSet"
  std::string plural;  // "statefulsets"
  bool namespaced = true;

  [[nodiscard]] std::string api_version() const;  // "apps/v1", "v1"
  // An empty namespace: all namespaces.
  [[nodiscard]] std::string collection_path(const std::string& namespace_name) const;
  [[nodiscard]] std::string object_path(const ObjectKey& key) const;
  bool operator==(const ResourceType&) const = default;
};

inline const ResourceType config_maps{"", "v1", "ConfigMap", "configmaps"};
inline const ResourceType secrets{"", "v1", "Secret", "secrets"};
inline const ResourceType services{"", "v1", "Service", "services"};
inline const ResourceType pods{"", "v1", "Pod", "pods"};
inline const ResourceType nodes{"", "v1", "Node", "nodes", false};
inline const ResourceType events{"", "v1", "Event", "events"};
inline const ResourceType namespaces{"", "v1", "Namespace", "namespaces", false};
inline const ResourceType stateful_sets{"apps", "v1", "StatefulSet", "statefulsets"};
inline const ResourceType pod_disruption_budgets{"policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"};
inline const ResourceType network_policies{"networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"};
inline const ResourceType service_accounts{"", "v1", "ServiceAccount", "serviceaccounts"};
inline const ResourceType deployments{"apps", "v1", "Deployment", "deployments"};
// Of cert-manager and of external-dns: not every cluster knows them.
inline const ResourceType certificates{"cert-manager.io", "v1", "Certificate", "certificates"};
inline const ResourceType dns_endpoints{"externaldns.k8s.io", "v1alpha1", "DNSEndpoint", "dnsendpoints"};
inline const ResourceType leases{"coordination.k8s.io", "v1", "Lease", "leases"};
inline const ResourceType custom_resource_definitions{"apiextensions.k8s.io", "v1", "CustomResourceDefinition",
                                                      "customresourcedefinitions", false};

// Of a Kubernetes object; empty strings where it has none.
[[nodiscard]] ObjectKey key_of(const nlohmann::json& object);
[[nodiscard]] std::string uid_of(const nlohmann::json& object);
[[nodiscard]] std::string resource_version_of(const nlohmann::json& object);

// The string at a JSON pointer ("/metadata/name"); empty when there is none, or no string.
[[nodiscard]] std::string text_at(const nlohmann::json& object, std::string_view pointer);

}  // namespace turnkeeper::kube
