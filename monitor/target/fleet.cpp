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

}  // namespace turnkeeper::monitor
