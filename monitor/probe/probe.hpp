// A full probe: one complete fresh use of a relay over one transport, as a client would make it - connect, TLS,
// Allocate, ChannelBind, an echo through the relayed address and back - and Refresh(0), so that nothing stays on the
// relay.
//
//   ProbeTarget target{.endpoint = {turn::Protocol::udp, address}, .credential = credential};
//   ProbeOptions options{.deadline = Deadline::after(real_clock(), 5s)};
//   const ProbeResult result = co_await probe(target, options);
//
// Names are the caller's to resolve (look_up.hpp): each address of a name is a target of its own.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "monitor/probe/probe_result.hpp"
#include "monitor/probe/throughput.hpp"
#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/turn/connect.hpp"
#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/endpoint.hpp"

namespace turnkeeper::monitor {

// What helps to say why a relay answers 401 to a credential that should be good. All of it may be left out.
struct AuthHints {
  struct Key {
    std::string id;
    turn::Credential credential;
  };
  std::optional<turn::Credential> lasting;      // the same key and user, good for many years
  std::vector<Key> other_keys;                  // that the relay should know as well
  bool worked_here = false;                     // the credential's key was accepted by this relay before
  bool works_elsewhere = false;                 // other relays accept it
  std::optional<std::chrono::seconds> our_lag;  // how far the other monitors' clocks are ahead of ours
};

struct ProbeTarget {
  turn::Endpoint endpoint;
  turn::Credential credential;
  std::string server_name;                                    // whom a certificate must be for; empty: the address
  std::shared_ptr<turn::TlsContext> tls;                      // needed for tls and dtls
  std::optional<turn::SocketAddress::Family> address_family;  // of the relayed address; nothing: the relay's choice
  std::vector<std::string> public_addresses;  // what the relayed address of their family must be; none of it: unknown
  AuthHints auth;
};

struct ProbeOptions {
  // For everything, and anew after a standstill of this process. A fifth, at most one second, is kept for Refresh(0).
  Deadline deadline;
  // Ends the probe early: Refresh(0) is still sent, and the result says internal, "cancelled". Any thread.
  std::stop_token stop;
  std::chrono::milliseconds rto{200};                    // RFC 8489 section 6.2.1
  std::optional<std::chrono::nanoseconds> resolve_time;  // becomes the result's first phase
  std::optional<ThroughputPlan> throughput;              // taken as bounded() makes it
  bool mtu = false;                                      // over UDP only
  const Clock* clock = &real_clock();                    // its steady time must be the machine's
};

// Runs on the awaiting coroutine's executor, which must not run on several threads at once. Never fails otherwise than
// in its result.
[[nodiscard]] boost::asio::awaitable<ProbeResult> probe(ProbeTarget target, ProbeOptions options);

}  // namespace turnkeeper::monitor
