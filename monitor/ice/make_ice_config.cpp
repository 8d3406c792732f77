#include "monitor/ice/make_ice_config.hpp"

#include <algorithm>

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

std::vector<std::string> urls_of(const Relay& relay) {
  std::vector<std::string> urls;
  for (const auto transport : relay.transports) {
    const bool udp = transport == api::Transport::udp;
    const turn::Uri uri{.scheme = turn::Uri::Scheme::turn,
                        .host = relay.host,
                        .port = relay.port,
                        .transport = udp ? turn::Uri::Transport::udp : turn::Uri::Transport::tcp};
    // Every client can take the first; UDP is the one that media wants.
    urls.insert(udp ? urls.begin() : urls.end(), uri.to_string());
  }
  return urls;
}

// The first relay with all its transports, for clients behind firewalls that pass TCP only; then the others with their
// first one. The last place goes to another region if the list would otherwise depend on one.
std::vector<IceServer> choose_servers(const std::vector<RankedRelay>& ordered, std::size_t limit) {
  std::vector<IceServer> servers;
  const auto append = [&](const RankedRelay& ranked, std::size_t places) {
    IceServer server{.urls = urls_of(*ranked.relay), .relay = ranked.relay->name, .region = ranked.region->name};
    server.urls.resize(std::min(server.urls.size(), places));
    if (!server.urls.empty()) servers.push_back(std::move(server));
  };
  std::size_t used = 0;
  for (std::size_t i = 0; i < ordered.size() && used < limit; ++i) {
    const auto elsewhere = [&](const RankedRelay& ranked) { return ranked.region != ordered[0].region; };
    std::size_t next = i;
    if (i > 0 && used + 1 == limit) {
      const bool alone = std::none_of(ordered.begin(), ordered.begin() + static_cast<std::ptrdiff_t>(i), elsewhere);
      const auto backup = std::find_if(ordered.begin() + static_cast<std::ptrdiff_t>(i), ordered.end(), elsewhere);
      if (alone && backup != ordered.end()) next = static_cast<std::size_t>(backup - ordered.begin());
    }
    append(ordered[next], i == 0 ? limit : 1);
    used += servers.back().urls.size();
  }
  return servers;
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
                                     SystemTime now, const IceOptions& options) {
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
    const auto ordered = order_relays(cluster, *own, affinity, verdict_of);
    const auto* key = api::issuing_key(cluster.signing_keys);
    for (auto& server : choose_servers(ordered, options.turn_urls)) {
      const auto relay = std::ranges::find(ordered, server.relay, [](const RankedRelay& r) { return r.relay->name; });
      if (const auto& fixed = relay->relay->static_credential) {
        server.username = fixed->username;
        server.credential = fixed->password;
      } else if (key != nullptr) {
        auto credential = turn::time_limited_credential(key->secret, request.user, config.expires);
        server.username = std::move(credential.username);
        server.credential = std::move(credential.password);
      } else {
        return refuse(Kind::unavailable, "cluster " + cluster.name + " has no signing key that issues credentials",
                      "see the operator's log and the cluster's Secret of signing keys");
      }
      config.servers.push_back(std::move(server));
    }
    if (!config.servers.empty()) config.served_by = config.servers.front().region;
  }
  if (!cluster.stun_servers.empty()) config.servers.push_back({.urls = cluster.stun_servers});
  return config;
}

bool equivalent(const IceConfig& a, const IceConfig& b) {
  return std::ranges::equal(a.servers, b.servers, {}, &IceServer::urls, &IceServer::urls);
}

}  // namespace turnkeeper::monitor
