// TurnCluster (turnkeeper.io/v1alpha1) as C++ values: what a person asks for, with every default filled in.
// The schema in crds/turnclusters.yaml says the same to the API server; tests hold the two together.
//
// Values only, no behaviour: parse.hpp reads them from YAML or from a Kubernetes object, validate.hpp judges them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace turnkeeper::api {

inline constexpr const char* group = "turnkeeper.io";
inline constexpr const char* version = "v1alpha1";
inline constexpr const char* kind = "TurnCluster";
inline constexpr const char* plural = "turnclusters";

enum class Transport { udp, tcp };
// Where a relay's clients reach it. host_network: on its node's own address. cluster_ip: on the pod's address, from
// inside the cluster only.
enum class Exposure { host_network, cluster_ip };

struct Ports {
  std::uint16_t turn = 3478;
  std::uint16_t relay_min = 49152;  // relayed addresses, both ends included
  std::uint16_t relay_max = 65535;
  bool operator==(const Ports&) const = default;
};

struct Limits {
  std::uint32_t sessions = 2000;  // allocations on one relay
  std::uint32_t sessions_per_user = 20;
  std::uint64_t bits_per_second_per_session = 3'000'000;
  std::uint64_t bits_per_second = 0;  // one relay's total; 0: no limit
  bool operator==(const Limits&) const = default;
};

// Added to the built-in deny list (lib/coturn/deny_list.hpp). Each entry an address, a CIDR or "first-last".
struct Peers {
  std::vector<std::string> deny;
  std::vector<std::string> allow;  // wins over deny
  bool operator==(const Peers&) const = default;
};

// What the relays of a region look like.
struct RelaySpec {
  std::string image = "docker.io/coturn/coturn:4.18.0";
  int replicas = 2;
  Exposure exposure = Exposure::host_network;
  std::vector<Transport> transports = {Transport::udp, Transport::tcp};
  Ports ports;
  Limits limits;
  Peers peers;
  std::chrono::seconds drain_timeout{3600};
  std::string resources_json;  // a Kubernetes ResourceRequirements object as JSON; empty: none
  std::map<std::string, std::string> node_selector;
  std::string tolerations_json;  // a list of Kubernetes Tolerations as JSON; empty: none
  std::string priority_class_name;
  std::map<std::string, std::string> annotations;  // on the pods
  bool operator==(const RelaySpec&) const = default;
};

struct Region {
  std::string name;                  // a DNS label
  std::vector<std::string> backups;  // region names, in the order of failover; empty: all others as listed
  RelaySpec relay;                   // the cluster's, with the region's own fields laid over it
  bool operator==(const Region&) const = default;
};

struct Credentials {
  std::chrono::seconds ttl{24 * 3600};
  std::chrono::seconds rotate_every{2160 * 3600};
  bool operator==(const Credentials&) const = default;
};

struct Probing {
  std::chrono::milliseconds canary{100};   // between two echoes
  int misses = 3;                          // in a row before the canary suspects its relay
  std::chrono::milliseconds full{10'000};  // between two full probes of a relay
  bool operator==(const Probing&) const = default;
};

struct Spec {
  std::string realm;
  bool paused = false;
  std::vector<Region> regions;
  Credentials credentials;
  Probing probing;
  std::vector<std::string> stun_servers;  // "stun:host:port": appended to every ICE config
  bool operator==(const Spec&) const = default;
};

struct TurnCluster {
  std::string name;
  std::string namespace_name;  // empty in local mode
  std::string uid;             // empty in local mode
  std::int64_t generation = 0;
  bool deleting = false;  // metadata.deletionTimestamp is set
  Spec spec;
};

}  // namespace turnkeeper::api
