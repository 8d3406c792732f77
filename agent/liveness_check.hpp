// Keeps trying the relay, so that /healthz knows whether coturn is wedged without making anybody wait. See liveness.hpp
// for what counts, and readiness.hpp for how it is tried: more patiently here, or a busy relay would look dead.
//
//   LivenessCheck liveness(io, coturn, endpoint, 30s);
//   liveness.use(issuing_key.secret);
//   liveness.begin();
//   liveness.note_starts();   // twice a second, say
//   if (!liveness.alive()) ...
//
// Lives on the io_context of its coturn, which must outlive it.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>

#include "agent/coturn_run.hpp"
#include "agent/liveness.hpp"
#include "agent/readiness.hpp"

namespace turnkeeper::agent {

class LivenessCheck {
 public:
  // An error of alive() after `timeout` of silence.
  LivenessCheck(boost::asio::io_context& io, CoturnRun& coturn, turn::Endpoint relay, std::chrono::seconds timeout);

  void use(Secret key) { readiness_.use(std::move(key)); }
  void look_at(turn::Endpoint relay) { readiness_.look_at(std::move(relay)); }
  void begin();
  // Each coturn that begins is given its time. The clock of one that ended stands.
  void note_starts();
  // For good: a relay that drains refuses what it is tried with.
  void end();
  [[nodiscard]] Result<> alive() const;

 private:
  CoturnRun& coturn_;
  const std::chrono::milliseconds between_;
  boost::asio::steady_timer timer_;
  Readiness readiness_;
  Liveness liveness_;
  std::optional<pid_t> noted_;
  bool ended_ = false;
};

}  // namespace turnkeeper::agent
