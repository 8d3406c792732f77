// What one full probe found: the outcome of each phase of using a relay as a client would.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "monitor/probe/throughput.hpp"
#include "turnkeeper/api/health.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/turn/endpoint.hpp"
#include "turnkeeper/turn/tls.hpp"

namespace turnkeeper::monitor {

// connect: the TCP connection, or DTLS's first answer; nothing to speak of for UDP. tls: the handshake behind that.
enum class Phase { resolve, connect, tls, allocate, bind, echo, refresh };

[[nodiscard]] std::string_view phase_name(Phase phase);  // "resolve", ...: the metric label

struct ProbeResult {
  bool ok = false;  // a client can use the relay this way
  // Why not. With `ok`: what is wrong although it works (redirected, ssrf-open, ...), none if nothing is.
  api::Cause cause = api::Cause::none;
  std::string detail;  // for a person: "401 Unauthorized to a credential that is good until ..."
  std::vector<std::pair<Phase, std::chrono::nanoseconds>> phases;  // those that were reached, in order
  std::chrono::nanoseconds total{0};
  turn::Endpoint endpoint;      // what was probed; with the address 0.0.0.0:0 when the name did not resolve
  std::string server;           // its address, "192.0.2.1:3478"; empty when the name did not resolve
  std::string relayed_address;  // empty when there was no allocation
  std::optional<turn::SocketAddress> mapped_address;  // this monitor, as the relay sees it
  std::optional<turn::PeerCertificate> certificate;   // over TLS and DTLS, also when it was refused
  bool resumed = false;                               // the (D)TLS session of an earlier probe
  std::string tls_version;                            // "TLSv1.3", ...
  // The relay sent the probe on (ALTERNATE-SERVER), at last to there; what follows connect is about that server.
  std::optional<turn::SocketAddress> redirected_to;
  // The relay refuses its own address as a peer, and the echo went between two allocations.
  bool by_pair = false;
  std::optional<Throughput> throughput;  // when asked for and got that far
  std::optional<PathMtu> mtu;            // when asked for, over UDP
  SystemTime finished;
};

}  // namespace turnkeeper::monitor
