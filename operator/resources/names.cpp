#include "operator/resources/names.hpp"

namespace turnkeeper::op {

std::string region_child_name(const api::TurnCluster& cluster, const api::Region& region) {
  return cluster.name + '-' + region.name;
}

std::string relay_service_name(const api::TurnCluster& cluster, const api::Region& region, int ordinal) {
  return region_child_name(cluster, region) + '-' + std::to_string(ordinal);
}

std::string signing_keys_name(const api::TurnCluster& cluster) {
  return cluster.name + "-signing-keys";
}

std::string certificate_name(const api::TurnCluster& cluster) {
  return cluster.name + "-tls";
}

std::string tls_secret_name(const api::TurnCluster& cluster, const std::string& site) {
  const bool theirs = site.empty() && cluster.spec.tls && !cluster.spec.tls->secret_name.empty();
  return theirs ? cluster.spec.tls->secret_name : certificate_name(cluster);
}

std::string relay_name(const std::string& region, int ordinal) {
  return region + '-' + std::to_string(ordinal);
}

std::string cluster_id(const api::TurnCluster& cluster) {
  return cluster.namespace_name.empty() ? cluster.name : cluster.namespace_name + '/' + cluster.name;
}

nlohmann::json labels(const api::TurnCluster& cluster, const api::Region* region) {
  nlohmann::json labels = {{"app.kubernetes.io/name", "turnkeeper-relay"},
                           {"app.kubernetes.io/instance", cluster.name},
                           {"app.kubernetes.io/managed-by", "turnkeeper-operator"},
                           {"app.kubernetes.io/component", "relay"},
                           {cluster_label, cluster.name}};
  if (region != nullptr) labels[region_label] = region->name;
  return labels;
}

nlohmann::json selector(const api::TurnCluster& cluster, const api::Region& region) {
  return {{"matchLabels", {{cluster_label, cluster.name}, {region_label, region.name}}}};
}

nlohmann::json child(const api::TurnCluster& cluster, const api::Region* region, const char* api_version,
                     const char* kind, const std::string& name) {
  return {{"apiVersion", api_version},
          {"kind", kind},
          {"metadata",
           {{"name", name},
            {"namespace", cluster.namespace_name},
            {"labels", labels(cluster, region)},
            {"ownerReferences",
             {{{"apiVersion", std::string(api::group) + '/' + api::version},
               {"kind", api::kind},
               {"name", cluster.name},
               {"uid", cluster.uid},
               {"controller", true},
               {"blockOwnerDeletion", true}}}}}}};
}

}  // namespace turnkeeper::op
