// The relays' pods as the operator sees them. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/plan/placed.hpp"
#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::op {

// What the pod's condition turnkeeper.io/proven says, which gate.hpp sets.
enum class Proof {
  none,    // it has none
  never,   // no allocation ever succeeded on this pod
  proven,  // one did, and nothing worse is known
  failed,  // one did once; now none does
};

struct RelayPod {
  std::string site;   // the Kubernetes cluster it is in; empty: that of the TurnCluster
  std::string pod;    // "calls-eu-west-0"
  std::string relay;  // "eu-west-0"
  std::string region;
  int ordinal = 0;
  std::string uid;
  // Where clients connect: literals, at most one of each family, or the one host name that a load balancer has. The
  // first is the one to show. Empty: not known yet.
  std::vector<std::string> addresses;
  std::vector<std::string> relayed;                      // what its relayed addresses are; empty: unknown
  std::map<api::Transport, std::uint16_t> ports;         // what it serves, and where at `addresses`
  std::string agent;                                     // "host:port", inside of its Kubernetes cluster
  api::Exposure exposure = api::Exposure::host_network;  // that it was made for; the spec may ask for another by now
  std::string revision;                                  // of the StatefulSet's pod template that it was made from
  bool running = false;                                  // its containers were started
  bool ready = false;
  bool deleting = false;
  std::string trouble;            // why a container does not run: "ImagePullBackOff: ..."; empty when nothing is known
  std::string last_words;         // of its agent, once it has ended: "drained", "2 sessions cut ..."
  std::string node;               // empty: none was found for it yet
  std::string image;              // of coturn
  bool cordoned = false;          // its node takes no new pods
  bool containers_ready = false;  // `ready` but for the readiness gate
  Proof proof = Proof::none;
  SystemTime created;
  std::optional<SystemTime> deleted_at;  // when its deletion was asked for
  std::optional<SystemTime> draining;    // since when clients are moved away from it (turnkeeper.io/draining)
  bool operator==(const RelayPod&) const = default;
};

struct NodeFacts {
  std::vector<std::string> external_ips;  // in the order of the node's status
  std::vector<std::string> internal_ips;
  std::map<std::string, std::string> annotations;
  std::map<std::string, std::string> labels;
  bool unschedulable = false;  // cordoned
  bool operator==(const NodeFacts&) const = default;
};
// Site -> node name -> what is known of it.
using Nodes = std::map<std::string, std::map<std::string, NodeFacts>>;

// Of "eu-west-12" with the prefix "eu-west": 12. Unset for other names.
[[nodiscard]] std::optional<int> ordinal_of(const std::string& name, const std::string& prefix);

// Those of `pods` (Kubernetes Pods) that belong to a region of this cluster, in the order of the regions and ordinals.
// Others are left out, such as the pods of a region that was removed or that is at another site now. `children`: their
// Services among them.
[[nodiscard]] std::vector<RelayPod> relay_pods(const api::TurnCluster& cluster, const std::vector<Placed>& pods,
                                               const Nodes& nodes, const std::vector<Placed>& children);

}  // namespace turnkeeper::op
