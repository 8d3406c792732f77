#include "monitor/ice/make_ice_config.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "monitor/ice/relay_order.hpp"
#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::monitor {
namespace {

tl::unexpected<IceFailure> refuse(IceFailure::Kind kind, std::string message, std::string advice) {
  return tl::unexpected(IceFailure{kind, {std::move(message), std::move(advice)}});
}

template <class Named>
std::string names(const std::vector<Named>& all) {
  std::string text;
  for (const auto& one : all) text += (text.empty() ? "" : ", ") + one.name;
  return text;
}

bool is_identifier(const std::string& text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-@+=~").find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, allowed);
}

// UDP is what media wants; TCP and TLS get through firewalls. The first of each kind before the second of any.
std::vector<turn::Uri> in_order_of_use(const std::vector<turn::Uri>& uris) {
  const auto kind = [](const turn::Uri& uri) -> std::size_t {
    if (uri.scheme == turn::Uri::Scheme::turns) return 2;
    return uri.transport == turn::Uri::Transport::tcp ? 1 : 0;
  };
  std::array<std::size_t, 3> seen{};
  std::multimap<std::pair<std::size_t, std::size_t>, const turn::Uri*> ranked;
  for (const auto& uri : uris) ranked.insert({{seen.at(kind(uri))++, kind(uri)}, &uri});
  std::vector<turn::Uri> ordered;
  for (const auto& [rank, uri] : ranked) ordered.push_back(*uri);
  return ordered;
}

class ListMaker {
 public:
  ListMaker(const IceRequest& request, const Cluster& cluster, const ProofLookup& proof_of, SystemTime expires)
      : request_(request), cluster_(cluster), proof_of_(proof_of), expires_(expires) {}

  // The first relay with its transports, for clients behind firewalls that pass TCP only; then the others with their
  // first one. The last place goes to another region if the list would otherwise depend on one.
  std::vector<IceServer> choose(const std::vector<RankedRelay>& ordered, std::size_t limit) const {
    std::vector<IceServer> servers;
    std::size_t used = 0;
    for (std::size_t i = 0; i < ordered.size() && used < limit; ++i) {
      const auto elsewhere = [&](const RankedRelay& ranked) { return ranked.region->name != servers[0].region; };
      std::size_t next = i;
      if (!servers.empty() && used + 1 == limit) {
        const bool alone = std::ranges::all_of(
            servers, [&](const IceServer& server) { return server.region == servers.front().region; });
        const auto backup = std::find_if(ordered.begin() + static_cast<std::ptrdiff_t>(i), ordered.end(), elsewhere);
        if (alone && backup != ordered.end()) next = static_cast<std::size_t>(backup - ordered.begin());
      }
      // One place is kept for a second relay.
      const std::size_t most_of_first = limit > 1 && ordered.size() > 1 ? limit - 1 : limit;
      auto server = server_of(ordered[next], servers.empty() ? most_of_first : 1);
      if (!server) continue;
      used += server->urls.size();
      servers.push_back(std::move(*server));
    }
    return servers;
  }

 private:
  // Nothing when there is no credential for it.
  std::optional<IceServer> server_of(const RankedRelay& ranked, std::size_t places) const {
    auto credential = credential_of(*ranked.relay);
    if (!credential) return std::nullopt;
    IceServer server{.username = std::move(credential->username),
                     .credential = std::move(credential->password),
                     .relay = ranked.relay->name,
                     .region = ranked.region->name};
    for (const auto& uri : good_uris(ranked)) {
      if (server.urls.size() < places) server.urls.push_back(uri.to_string());
    }
    return server;
  }

  // Those that are proven to work; when none is, those that nothing is known against; else all.
  std::vector<turn::Uri> good_uris(const RankedRelay& ranked) const {
    auto uris = in_order_of_use(ranked.relay->uris);
    if (!proof_of_) return uris;
    const RelayId id{cluster_.name, ranked.region->name, ranked.relay->name};
    for (const Proof wanted : {Proof::works, Proof::unproven}) {
      std::vector<turn::Uri> good;
      std::ranges::copy_if(uris, std::back_inserter(good),
                           [&](const auto& uri) { return proof_of_(id, uri) == wanted; });
      if (!good.empty()) return good;
    }
    return uris;
  }

  std::optional<turn::Credential> credential_of(const Relay& relay) const {
    if (const auto* fixed = std::get_if<StaticCredential>(&relay.credential)) {
      return turn::Credential{fixed->username, fixed->password};
    }
    if (const auto* provided = std::get_if<ProvidedCredential>(&relay.credential)) {
      return turn::Credential{provided->username, provided->password};
    }
    if (const auto* shared = std::get_if<SharedSecret>(&relay.credential)) {
      return turn::time_limited_credential(shared->secret, request_.user, expires_);
    }
    const auto* key = api::issuing_key(cluster_.signing_keys);
    if (key == nullptr) return std::nullopt;
    return turn::time_limited_credential(key->secret, request_.user, expires_);
  }

  const IceRequest& request_;
  const Cluster& cluster_;
  const ProofLookup& proof_of_;
  const SystemTime expires_;
};

// Credentials that were made elsewhere may run out earlier than ours would.
SystemTime earliest_expiry(const std::vector<IceServer>& servers, const std::vector<RankedRelay>& ordered,
                           SystemTime expires) {
  for (const auto& server : servers) {
    const auto ranked = std::ranges::find(ordered, server.relay, [](const auto& entry) { return entry.relay->name; });
    if (const auto* provided = std::get_if<ProvidedCredential>(&ranked->relay->credential)) {
      expires = std::min(expires, provided->expires);
    }
  }
  return expires;
}

}  // namespace

IceResult<const Cluster*> find_cluster(const Fleet& fleet, const std::string& name) {
  using Kind = IceFailure::Kind;
  if (fleet.clusters.empty()) {
    return refuse(Kind::unavailable, "this monitor knows no cluster yet", "ask again in a moment");
  }
  if (name.empty() && fleet.clusters.size() == 1) return &fleet.clusters.front();
  if (name.empty()) {
    return refuse(Kind::bad_request, "there are several clusters and the request names none",
                  "add cluster= one of " + names(fleet.clusters));
  }
  const auto found = std::ranges::find(fleet.clusters, name, &Cluster::name);
  if (found != fleet.clusters.end()) return &*found;
  return refuse(Kind::not_found, "there is no cluster \"" + name + "\"", "choose one of " + names(fleet.clusters));
}

IceResult<IceConfig> make_ice_config(const IceRequest& request, const Cluster& cluster, const VerdictLookup& verdict_of,
                                     const ProofLookup& proof_of, SystemTime now, const IceOptions& options) {
  using Kind = IceFailure::Kind;
  const std::string alphabet = "use 1 to 128 letters, digits and . _ - @ + = ~";
  if (!is_identifier(request.user)) {
    return refuse(Kind::bad_request, request.user.empty() ? "the request names no user" : "the user is malformed",
                  request.user.empty() ? "add user=NAME: credentials are made for one user" : alphabet);
  }
  if (!request.session.empty() && !is_identifier(request.session)) {
    return refuse(Kind::bad_request, "the session is malformed", alphabet);
  }

  const SystemTime issued = std::chrono::floor<std::chrono::seconds>(now);
  IceConfig config{.servers = {},
                   .expires = issued + cluster.credential_ttl,
                   .refresh_at = issued + cluster.credential_ttl * 3 / 4,
                   .cluster = cluster.name,
                   .region = request.region,
                   .served_by = ""};
  if (!cluster.regions.empty()) {
    const auto own = request.region.empty() ? cluster.regions.begin()
                                            : std::ranges::find(cluster.regions, request.region, &Region::name);
    if (own == cluster.regions.end()) {
      return refuse(Kind::not_found, "cluster " + cluster.name + " has no region \"" + request.region + "\"",
                    "choose one of " + names(cluster.regions));
    }
    config.region = own->name;
    const std::string& affinity = request.session.empty() ? request.user : request.session;
    const auto ordered = order_relays(cluster, *own, affinity, [&](const RelayId& id, const Relay& relay) {
      const auto* provided = std::get_if<ProvidedCredential>(&relay.credential);
      return provided && provided->expires <= now ? api::Verdict::unhealthy : verdict_of(id);
    });
    config.servers = ListMaker(request, cluster, proof_of, config.expires).choose(ordered, options.turn_urls);
    if (config.servers.empty() && !ordered.empty()) {
      return refuse(Kind::unavailable, "cluster " + cluster.name + " has no signing key that issues credentials",
                    "see the operator's log and the cluster's Secret of signing keys");
    }
    config.expires = std::max(issued, earliest_expiry(config.servers, ordered, config.expires));
    config.refresh_at = issued + (config.expires - issued) * 3 / 4;
    if (!config.servers.empty()) config.served_by = config.servers.front().region;
  }
  if (!cluster.stun_servers.empty()) config.servers.push_back({.urls = cluster.stun_servers});
  return config;
}

bool equivalent(const IceConfig& a, const IceConfig& b) {
  return std::ranges::equal(a.servers, b.servers, {}, &IceServer::urls, &IceServer::urls);
}

}  // namespace turnkeeper::monitor
