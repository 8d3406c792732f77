#include "operator/plan/placed.hpp"

#include <algorithm>

#include "operator/resources/names.hpp"

namespace turnkeeper::op {

using nlohmann::json;

const std::string& site_of(const api::Region& region) {
  return region.kubeconfig.name;
}

std::vector<std::string> sites_of(const api::TurnCluster& cluster) {
  std::vector<std::string> sites;
  for (const auto& region : cluster.spec.regions) {
    if (std::ranges::find(sites, site_of(region)) == sites.end()) sites.push_back(site_of(region));
  }
  return sites;
}

Placed place(const api::TurnCluster& cluster, const std::string& site, json child) {
  if (!site.empty()) {
    auto& metadata = child["metadata"];
    metadata.erase("ownerReferences");
    metadata["labels"][owner_uid_label] = cluster.uid;
  }
  return {site, std::move(child)};
}

bool is_owned(const Placed& child, const std::string& cluster_uid) {
  const auto metadata = child.object.find("metadata");
  if (metadata == child.object.end() || !metadata->is_object()) return false;
  if (!child.site.empty()) {
    // A kubeconfig may lead to this very Kubernetes cluster: what has an owner there is what was made here.
    if (metadata->contains("ownerReferences")) return false;
    const auto labels = metadata->find("labels");
    return labels != metadata->end() && labels->is_object() && labels->contains(owner_uid_label) &&
           labels->at(owner_uid_label) == cluster_uid;
  }
  const auto owners = metadata->find("ownerReferences");
  return owners != metadata->end() && std::any_of(owners->begin(), owners->end(), [&](const json& owner) {
           return owner.value("uid", "") == cluster_uid && owner.value("controller", false);
         });
}

}  // namespace turnkeeper::op
