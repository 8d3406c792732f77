// Where clients reach a relay, from what Kubernetes says of its pod, its node and its Service. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/plan/placed.hpp"
#include "operator/plan/relay_pod.hpp"
#include "operator/resources/children.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

// A relay as clients and monitors reach it.
struct RelayReach {
  // Literals, at most one of each family, or the one host name that a load balancer has. Empty: not yet.
  std::vector<std::string> addresses;
  std::vector<std::string> relayed;               // what its relayed addresses are; empty: unknown
  std::map<api::Transport, std::uint16_t> ports;  // at `addresses`
  std::string agent;                              // "host:port", inside of its Kubernetes cluster
};

// What the Pod was made for. While another exposure is rolled out, each relay is reached the way it was made.
[[nodiscard]] api::Exposure exposure_of(const nlohmann::json& pod, const api::RelaySpec& relay);

// `pod` is the relay's Pod, `ordinal` its number, `nodes` those of its site, `relay_service` its own Service (null when
// there is none).
[[nodiscard]] RelayReach relay_reach(const api::RelaySpec& relay, const nlohmann::json& pod, int ordinal,
                                     const std::map<std::string, NodeFacts>& nodes,
                                     const nlohmann::json& relay_service);

// What the agents of a region are told. With HostNetwork it speaks of every node that a relay may come to, so that it
// stands there before the relay does.
[[nodiscard]] PublicAddresses public_addresses(const api::TurnCluster& cluster, const api::Region& region,
                                               const std::vector<RelayPod>& pods,
                                               const std::map<std::string, NodeFacts>& nodes,
                                               const std::vector<Placed>& children);

}  // namespace turnkeeper::op
