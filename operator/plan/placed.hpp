// Which Kubernetes cluster an object is in. Pure.
//
// A *site* is the Kubernetes cluster where a region's relays run: "" is the one that the TurnCluster is in, any other
// is named by the Secret with its kubeconfig (Region::kubeconfig). Objects at another site cannot have an owner here:
// they are known by their labels, turnkeeper.io/cluster and turnkeeper.io/owner-uid.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

struct Placed {
  std::string site;
  nlohmann::json object;
};

[[nodiscard]] const std::string& site_of(const api::Region& region);
// Those of the cluster's regions, each once, in the order of the regions.
[[nodiscard]] std::vector<std::string> sites_of(const api::TurnCluster& cluster);

// A child as it has to be at that site: away from home with the owner's uid as a label in the place of the owner
// reference, which nothing there could resolve.
[[nodiscard]] Placed place(const api::TurnCluster& cluster, const std::string& site, nlohmann::json child);
// Was it made for this cluster (and not for an earlier one of the same name)?
[[nodiscard]] bool is_owned(const Placed& child, const std::string& cluster_uid);

}  // namespace turnkeeper::op
