// Whether the relay takes calls, found out by placing one: an allocation over UDP with the issuing key, given back at
// once.
//
//   Readiness readiness(io, relay_address);
//   readiness.use(issuing_key.secret);
//   readiness.check([](const Result<>& ready) { ... });   // later, on the io_context
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
#include "turnkeeper/turn/session.hpp"

namespace turnkeeper::agent {

class Readiness {
 public:
  using Answer = std::function<void(const Result<>&)>;

  Readiness(boost::asio::io_context& io, turn::SocketAddress relay);

  // The key for the next checks. What is known so far counts no more.
  void use(Secret key);
  // Ends within 900 ms: less than the second that a Kubernetes probe waits.
  void check(Answer answer);

 private:
  void begin();
  void on_event(const turn::Event& event);
  void finish(Result<> result);

  boost::asio::io_context& io_;
  const turn::SocketAddress relay_;
  Secret key_;
  std::optional<Result<>> last_;
  SteadyTime last_at_;
  std::vector<Answer> waiting_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<turn::Session> session_;
};

}  // namespace turnkeeper::agent
