#include "monitor/target/fleet.hpp"

#include <algorithm>

namespace turnkeeper::monitor {

const turn::Uri& canary_uri(const Relay& relay) {
  const auto over_udp = [](const turn::Uri& uri) {
    return uri.scheme == turn::Uri::Scheme::turn && uri.transport != turn::Uri::Transport::tcp;
  };
  const auto found = std::ranges::find_if(relay.uris, over_udp);
  return found == relay.uris.end() ? relay.uris.front() : *found;
}

turn::Uri with_transport(turn::Uri uri) {
  if (uri.transport == turn::Uri::Transport::unspecified) {
    const bool secure = uri.scheme == turn::Uri::Scheme::turns;
    uri.transport = secure ? turn::Uri::Transport::tcp : turn::Uri::Transport::udp;
  }
  return uri;
}

turn::Uri turn_uri(std::string host, std::uint16_t port, api::Transport transport) {
  return {.scheme = turn::Uri::Scheme::turn,
          .host = std::move(host),
          .port = port,
          .transport = transport == api::Transport::udp ? turn::Uri::Transport::udp : turn::Uri::Transport::tcp};
}

void remember_removed_keys(const Fleet& before, Fleet& now) {
  constexpr std::size_t remembered = 4;
  for (auto& cluster : now.clusters) {
    const auto was = std::ranges::find(before.clusters, cluster.name, &Cluster::name);
    if (was == before.clusters.end()) continue;
    auto& removed = cluster.removed_keys;
    const auto at_most = std::max(removed.size(), remembered);
    const auto add = [&](const api::SigningKeys& keys) {
      for (const auto& key : keys) {
        const auto same = [&](const api::SigningKey& other) { return other.secret == key.secret; };
        if (std::ranges::none_of(cluster.signing_keys, same) && std::ranges::none_of(removed, same)) {
          removed.push_back(key);
          removed.back().phase = api::SigningKey::Phase::removed;
        }
      }
    };
    add(was->signing_keys);
    add(was->removed_keys);
    if (removed.size() > at_most) removed.resize(at_most);
  }
}

}  // namespace turnkeeper::monitor
