// A canary: a standing allocation on one relay with an echo through it every 100 ms, which finds the relay's death
// within half a second. Decides nothing itself (canary_state.hpp); carries out. Over UDP the canaries of a monitor
// share a few sockets (udp_ports.hpp); on a relay without UDP each has its own connection. An echo costs no memory.
//
//   auto ground = std::make_shared<CanaryGround>(io.get_executor(), real_clock());   // for all canaries
//   CanaryOptions options{.vantage = "fra-1", .uri = canary_uri(relay), .ground = ground};
//   options.credential = [&] { return current_credential(); };
//   options.on_observation = [&](const Observation& observation) { judge(observation); };
//   Canary canary(io.get_executor(), real_clock(), std::move(options));
//   canary.start();
//   ...
//   canary.stop([&] { io.stop(); });
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "monitor/canary/canary_state.hpp"
#include "monitor/verdict/observation.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/resolve.hpp"
#include "turnkeeper/turn/tls.hpp"
#include "turnkeeper/turn/udp_ports.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::monitor {

// What the canaries on one executor share. The clock outlives it; its steady time must be the machine's.
struct CanaryGround {
  CanaryGround(const boost::asio::any_io_executor& executor, const Clock& clock);

  turn::UdpPorts ports;
  std::shared_ptr<turn::Resolver> resolver;
};

struct CanaryOptions {
  std::string vantage;  // copied into the observations
  // The first of its endpoints that is UDP, else the first one, is the canary's; the next one after a failure.
  turn::Uri uri;
  CanaryPolicy policy = {};
  std::shared_ptr<CanaryGround> ground = {};   // null: one of its own
  std::shared_ptr<turn::TlsContext> tls = {};  // needed for turns: URIs
  // The credential to allocate with, asked for before each allocation. Its `expires` says when to make the allocation
  // anew: at three quarters of the time that is left when it was made.
  std::function<Result<turn::Credential>()> credential = {};
  // Any of these may be empty. An observation that says `blind` is about this monitor: it had no socket or no
  // credential to look with.
  std::function<void(const Observation&)> on_observation = {};
  std::function<void()> on_sent = {};  // an echo
  std::function<void(std::chrono::nanoseconds round_trip)> on_echo = {};
  std::function<void()> on_loss = {};
};

// Everything happens on the executor, which must not run on several threads at once. Callbacks come from there, never
// from within a call, and none comes after destruction or after stop() was called; a callback may destroy the canary.
class Canary {
 public:
  // The clock must outlive the canary; its steady time must be the machine's.
  Canary(const boost::asio::any_io_executor& executor, const Clock& clock, CanaryOptions options);
  // Without stop() before it: one unconfirmed Refresh(0).
  ~Canary();
  Canary(const Canary&) = delete;
  Canary& operator=(const Canary&) = delete;

  void start();
  // Tries a relay that is held dead again now, without waiting out the pause: sight has come back.
  void recheck();
  // While it rests it holds no allocation between two looks, each of them fresh, a second apart: a relay that drains
  // ends only when its last allocation has ended. Takes effect at once, either way.
  void rest(bool resting);
  // The relay was seen to refuse new allocations: gives the standing one up. The next attempts show when that is over.
  void let_go();
  // Releases the allocation and calls `done` once that is confirmed, or after one second. At most once.
  void stop(std::function<void()> done);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace turnkeeper::monitor
