// A full probe: one complete fresh use of a relay over UDP, as a client would make it - resolve, Allocate, ChannelBind,
// an echo through the relayed address and back - and Refresh(0), so that nothing stays on the relay.
//
//   ProbeTarget target{.host = "turn.example.org", .port = 3478, .credential = credential};
//   ProbeOptions options{.deadline = Deadline::after(real_clock(), 5s)};
//   const ProbeResult result = co_await probe_udp(target, options);
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <stop_token>
#include <string>

#include "monitor/probe/probe_result.hpp"
#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::monitor {

struct ProbeTarget {
  std::string host;  // a name or an address
  std::uint16_t port = 3478;
  turn::Credential credential;
};

struct ProbeOptions {
  // For everything. A fifth of the time, at most one second, is kept for Refresh(0).
  Deadline deadline;
  // Ends the probe early: Refresh(0) is still sent, and the result says internal, "cancelled". Any thread.
  std::stop_token stop;
  std::chrono::milliseconds rto{200};  // RFC 8489 section 6.2.1
  const Clock* clock = &real_clock();  // its steady time must be the machine's
};

// Runs on the awaiting coroutine's executor, which must not run on several threads at once. Never fails otherwise than
// in its result.
[[nodiscard]] boost::asio::awaitable<ProbeResult> probe_udp(ProbeTarget target, ProbeOptions options);

}  // namespace turnkeeper::monitor
