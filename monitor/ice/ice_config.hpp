// The ordered iceServers list that a client gets, with credentials and expiry.
#pragma once

#include <string>
#include <vector>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::monitor {

// One entry of RTCConfiguration.iceServers (W3C WebRTC 1.0, section 4.2.4).
struct IceServer {
  std::vector<std::string> urls;  // "turn:192.0.2.1:3478?transport=udp" (RFC 7065) or "stun:host:port" (RFC 7064)
  std::string username;           // empty for STUN
  Secret credential;
  std::string relay;   // the relay's name; empty for STUN
  std::string region;  // where it stands
  bool operator==(const IceServer&) const = default;
};

struct IceConfig {
  std::vector<IceServer> servers;  // best first
  SystemTime expires;              // when the credentials stop working for new allocations
  SystemTime refresh_at;           // when a client should ask again: 3/4 of the lifetime
  std::string cluster;
  std::string region;     // the region that the client asked for or was given
  std::string served_by;  // the region of the first relay; differs from `region` during a failover; empty: STUN only
  std::string key = {};   // the id of the signing key that signed; empty: none of the cluster's did
};

}  // namespace turnkeeper::monitor
