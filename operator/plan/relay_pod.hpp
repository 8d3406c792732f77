// The relays' pods as the operator sees them. Pure.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

struct RelayPod {
  std::string pod;    // "calls-eu-west-0"
  std::string relay;  // "eu-west-0"
  std::string region;
  int ordinal = 0;
  std::string uid;
  std::string address;   // what clients connect to; empty while it has none
  std::string revision;  // of the StatefulSet's pod template that it was made from
  bool running = false;  // its containers were started
  bool ready = false;
  bool deleting = false;
  std::string trouble;  // why a container does not run: "ImagePullBackOff: ..."; empty when nothing is known
  bool operator==(const RelayPod&) const = default;
};

// Node name -> its ExternalIP. Nodes that have none may be left out.
using NodeAddresses = std::map<std::string, std::string>;

// Those of `pods` (Kubernetes Pods) that belong to a region of this cluster, in the order of the regions and ordinals.
// Others are left out, such as the pods of a region that was removed.
[[nodiscard]] std::vector<RelayPod> relay_pods(const api::TurnCluster& cluster, const std::vector<nlohmann::json>& pods,
                                               const NodeAddresses& nodes);

}  // namespace turnkeeper::op
