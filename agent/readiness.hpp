// Whether the relay takes calls, found out by placing one: an allocation with the issuing key, given back at once.
//
//   Readiness readiness(io, real_clock(), {turn::Protocol::udp, relay_address}, 900ms);
//   readiness.use(issuing_key.secret);
//   readiness.check([](const Readiness::Outcome& outcome) { ... });   // later, on the io_context
//
// A relay whose quota is used up is ready: it proved that it knows the key, and failing it would only move the load.
// A good answer counts for a second, a bad one for less; whoever asks while a check is under way shares its outcome.
// Lives on one io_context.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/turn/connect.hpp"
#include "turnkeeper/turn/session.hpp"

namespace turnkeeper::agent {

class Readiness {
 public:
  struct Outcome {
    Result<> ready;
    bool answered = false;  // the relay said something to the Allocate, be it no
  };
  using Answer = std::function<void(const Outcome&)>;

  // A check ends within `patience`. The clock tells an answer's age and the credential's expiry; it must outlive this.
  Readiness(boost::asio::io_context& io, const Clock& clock, turn::Endpoint relay, std::chrono::milliseconds patience);

  // The key for the next checks. What is known so far counts no more.
  void use(Secret key);
  // Where the relay is from now on. What is known so far counts no more.
  void look_at(turn::Endpoint relay);
  void check(Answer answer);

 private:
  void begin();
  void allocate(std::unique_ptr<turn::Transport> transport);
  void on_event(const turn::Event& event);
  void finish(Outcome outcome);

  boost::asio::io_context& io_;
  const Clock& clock_;
  turn::Endpoint relay_;
  const std::chrono::milliseconds patience_;
  Secret key_;
  std::optional<Outcome> last_;
  SteadyTime last_at_;
  std::vector<Answer> waiting_;
  boost::asio::steady_timer timer_;
  int round_ = 0;                          // of checks: a timer that has fired cannot be cancelled any more
  std::shared_ptr<turn::TlsContext> tls_;  // made when it is needed
  turn::ConnectAttempt connecting_;
  std::unique_ptr<turn::Session> session_;
};

}  // namespace turnkeeper::agent
