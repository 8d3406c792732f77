// Which relays a client is told of, in which order, with which credentials. Pure.
//
//   auto config = make_ice_config({.region = "eu", .user = "alice", .session = "call-42"}, cluster, verdict_of,
//                                 proof_of, now);
//   if (!config) return http_status(config.error().kind);
//   send(native_json(*config, now));
//
// The order: usable relays of the region that serves the client's, Healthy before Degraded, spread by rendezvous
// hashing of the session, so that both ends of a call get the same first relay and a relay that leaves moves nobody
// else's; then those of its backups in their order. Nothing that clients must not be sent to is listed while something
// usable is. When nothing is, the list fails open: relays of which nothing is known, else the unhealthy, else the
// draining.
//
// Of a relay's URLs those are listed whose newest full probe worked; while none is proven, those that nothing is known
// against, else all.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "monitor/ice/ice_config.hpp"
#include "monitor/target/fleet.hpp"
#include "turnkeeper/api/health.hpp"

namespace turnkeeper::monitor {

struct IceRequest {
  std::string cluster;  // empty: the only one
  std::string region;   // empty: the nearest of `rtts`, else the first one
  std::string user;     // whose credentials these are: 1 to 128 letters, digits and . _ - @ + = ~
  std::string session;  // both ends of a call name the same one; empty: the user
  // Round trips to regions, as the client measured them.
  std::map<std::string, std::chrono::milliseconds> rtts = {};
  // How long the credentials are wanted to live: bounded to [60 s, the cluster's]. Nothing: the cluster's.
  std::optional<std::chrono::seconds> ttl = {};
  bool relay_only = false;  // no STUN servers in the list
  bool operator==(const IceRequest&) const = default;
};

// What spreads clients: the same for both ends of a session, and on every monitor.
[[nodiscard]] std::uint64_t affinity(const IceRequest& request);

struct IceOptions {
  // TURN URLs in a list. Firefox warns at 5 servers, and a bad server slows gathering down.
  std::size_t turn_urls = 4;
};

struct IceFailure {
  enum class Kind { bad_request, not_found, unavailable };
  Kind kind = Kind::unavailable;
  Error error;
};

template <class T>
using IceResult = tl::expected<T, IceFailure>;

// What full probes say of one URL of a relay.
enum class Proof { unproven, works, fails };
using ProofLookup = std::function<Proof(const RelayId&, const turn::Uri&)>;  // empty: nothing is proven
using VerdictLookup = std::function<api::Verdict(const RelayId&)>;
// What a client that asks now is given.
using MakeConfig = std::function<IceResult<IceConfig>(const IceRequest&)>;

// What has become of a URL that a client was given.
enum class Standing {
  good,      // it works, or nothing is known against it
  draining,  // its relay is being taken out of service
  bad,       // it, or its relay, does not work
  gone,      // no relay has it any more
};
// What remembers a URL in eight bytes, within this process.
using UrlHash = std::uint64_t;
[[nodiscard]] UrlHash url_hash(std::string_view url);

// The cluster that a request means. The fleet must outlive the pointer. Failures list the clusters that there are.
[[nodiscard]] IceResult<const Cluster*> find_cluster(const Fleet& fleet, const std::string& name);

// Failures: bad_request (user or session), not_found (region, with the list of those there are), unavailable (there are
// relays, but no credential for any of them). A cluster without relays has a list of its STUN servers only.
[[nodiscard]] IceResult<IceConfig> make_ice_config(const IceRequest& request, const Cluster& cluster,
                                                   const VerdictLookup& verdict_of, const ProofLookup& proof_of,
                                                   SystemTime now, const IceOptions& options = {});

// The same URLs in the same order, signed with the same key: a client that has one has no need of the other.
[[nodiscard]] bool equivalent(const IceConfig& a, const IceConfig& b);

// The answer of GET /v1/ice: {"iceServers":[...],"ttl":...,"expiresAt":...,"refreshAt":...,"cluster":...,"region":...,
// "servedBy":...}, and "reason" when one is given. Holds the credentials in clear, as a client needs them.
[[nodiscard]] std::string native_json(const IceConfig& config, SystemTime now, std::string_view reason = {});

}  // namespace turnkeeper::monitor
