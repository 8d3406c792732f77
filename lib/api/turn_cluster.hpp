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

// tls and dtls are served on Ports::turns, and need Spec::tls.
enum class Transport { udp, tcp, tls, dtls };
// Where a relay's clients reach it. host_network: on its node's own address. load_balancer: on that of a Service of its
// own. node_port: on its node's address, at ports that Kubernetes chooses. cluster_ip: on the pod's address, from
// inside the cluster only.
enum class Exposure { host_network, load_balancer, node_port, cluster_ip };
enum class IpFamily { v4, v6 };

struct Ports {
  std::uint16_t turn = 3478;
  std::uint16_t turns = 5349;
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

// Where the address that clients connect to comes from when it is not what Kubernetes says (the node's ExternalIP, the
// load balancer's address, the pod's). At most one of the two is set.
struct PublicAddress {
  std::string node_annotation;     // the node's annotation that holds its addresses, separated by commas; empty: none
  std::vector<std::string> fixed;  // by ordinal, at least as many as relays; each one address or, for dual stack, two
                                   // ("203.0.113.7,2001:db8::7"): addresses_of() takes them apart
  bool operator==(const PublicAddress&) const = default;
};

// Relays between min and max, as many as their load asks for. At least one of the thresholds is not 0.
struct Autoscaling {
  int min = 2;
  int max = 10;
  std::uint32_t sessions_per_relay = 0;  // more on average: one relay more. 0: sessions do not count
  std::uint32_t megabits_per_relay = 0;  // of relayed traffic per second, both directions. 0: traffic does not count
  bool operator==(const Autoscaling&) const = default;
};

// What the relays of a region look like.
struct RelaySpec {
  std::string image = "docker.io/coturn/coturn:4.18.0";
  int replicas = 2;       // where `autoscaling` is not set
  int first_ordinal = 0;  // of the relays' names; not in the spec: 0 until the operator sets it
  Exposure exposure = Exposure::host_network;
  std::vector<IpFamily> ip_families;  // empty: those that the pod has
  PublicAddress public_address;
  std::vector<Transport> transports = {Transport::udp, Transport::tcp};
  Ports ports;
  Limits limits;
  Peers peers;
  std::chrono::seconds drain_timeout{3600};
  std::string resources_json;  // a Kubernetes ResourceRequirements object as JSON; empty: none
  std::map<std::string, std::string> node_selector;
  std::string tolerations_json;  // a list of Kubernetes Tolerations as JSON; empty: none
  std::string affinity_json;     // a Kubernetes Affinity as JSON, laid over what the operator sets; empty: none
  std::string priority_class_name;
  std::map<std::string, std::string> annotations;  // on the pods
  std::optional<Autoscaling> autoscaling;
  bool operator==(const RelaySpec&) const = default;
};

// A Secret in the TurnCluster's namespace, and which of its entries.
struct SecretKeyRef {
  std::string name;
  std::string key;
  bool operator==(const SecretKeyRef&) const = default;
};

struct Region {
  std::string name;                  // a DNS label
  SecretKeyRef kubeconfig;           // of the Kubernetes cluster that its relays run in; no name: this one
  std::optional<bool> vantage;       // does a monitor run there? Unset: one for each Kubernetes cluster but this one
  std::vector<std::string> backups;  // region names, in the order of failover; empty: all others, nearest first
  RelaySpec relay;                   // the cluster's, with the region's own fields laid over it
  bool operator==(const Region&) const = default;
};

struct Credentials {
  std::chrono::seconds ttl{24 * 3600};
  std::chrono::seconds rotate_every{2160 * 3600};  // 0: never by itself
  SecretKeyRef secret;  // the shared secret is that of somebody else, who changes it as well; no name: made here
  bool operator==(const Credentials&) const = default;
};

struct Probing {
  std::chrono::milliseconds canary{100};   // between two echoes
  int misses = 3;                          // in a row before the canary suspects its relay
  std::chrono::milliseconds full{10'000};  // between two full probes of a relay
  bool operator==(const Probing&) const = default;
};

// The certificate of the relays for turns: URIs. Either a Secret of type kubernetes.io/tls that somebody keeps current,
// or a cert-manager issuer that the operator asks for one.
struct Tls {
  std::string secret_name;
  std::string issuer_name;
  std::string issuer_kind = "Issuer";  // or ClusterIssuer
  std::string issuer_group = "cert-manager.io";
  bool operator==(const Tls&) const = default;
};

// Records for external-dns: `hostname` holds the relays that are proven, REGION.hostname and RELAY.hostname likewise.
struct Dns {
  std::string hostname;
  std::chrono::seconds ttl{30};
  bool operator==(const Dns&) const = default;
};

// What relays may cost in a calendar month (UTC). Amounts in `currency`; at least one price is above 0.
struct Budget {
  enum class AtLimit {
    report,            // say so, and nothing else
    stop_autoscaling,  // no relays beyond those that are there
    lower_bandwidth,   // and each new session gets Budget::bits_per_second_per_session
  };
  double monthly = 0;
  std::string currency = "USD";
  double per_relay = 0;     // a month
  double per_gigabyte = 0;  // of traffic that relays send
  AtLimit at_limit = AtLimit::report;
  std::uint64_t bits_per_second_per_session = 1'000'000;
  bool operator==(const Budget&) const = default;
};

// A source of relays that are not ours. static_list: servers with a user and a password that do not change;
// shared_secret: somebody else's servers, whose secret of time-limited credentials is known; the others are credential
// APIs.
enum class ProviderType { twilio, xirsys, cloudflare, metered, turn_rest, static_list, shared_secret };
// When clients are sent to providers' relays: once none of ours is usable; always, and to ours only when none of theirs
// is usable; to whichever usable ones cost least.
enum class ProviderUse { fallback, only, cheapest };

// A full probe is about 20 KB, and somebody bills them.
inline constexpr std::chrono::milliseconds default_provider_probe{60'000};

// The entry of a provider's Secret that is meant when none is named.
inline constexpr const char* default_provider_key = "secret";

struct Provider {
  std::string name;  // a DNS label, unlike every region's
  ProviderType type = ProviderType::twilio;
  SecretKeyRef secret;            // no name: none, which only turn_rest allows
  std::string account;            // Twilio's account SID, Cloudflare's key id, Xirsys's ident
  std::string user;               // Twilio: an API key's SID; turn_rest, static_list: the user
  std::string channel;            // Xirsys
  std::string region;             // Metered; empty: the nearest
  std::string url;                // of the API; empty: the vendor's own
  std::vector<std::string> urls;  // of the TURN servers: static_list, shared_secret
  std::chrono::seconds ttl{24 * 3600};
  double cost_per_gigabyte = 0;
  std::chrono::milliseconds probe_every = default_provider_probe;
  bool operator==(const Provider&) const = default;
};

struct Failover {
  std::vector<Provider> providers;
  ProviderUse use = ProviderUse::fallback;
  bool operator==(const Failover&) const = default;
};

struct Spec {
  std::string realm;
  bool paused = false;
  std::vector<Region> regions;
  Credentials credentials;
  std::optional<Tls> tls;
  Probing probing;
  std::optional<Dns> dns;
  std::optional<Budget> budget;
  Failover failover;
  std::vector<std::string> stun_servers;  // "stun:host:port": appended to every ICE config
  int relay_replicas = 2;                 // spec.relay.replicas, which a region may have overridden: what is scaled
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
