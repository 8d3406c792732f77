// One allocation attempt in a coroutine, without an echo: for questions that Allocate or ChannelBind itself answers.
//
//   Allocation allocation(waiter, clock, rto);
//   co_await allocation.make(target, credential, deadline);
//   if (allocation.made()) co_await allocation.bind(peers, deadline);
//   co_await allocation.release(deadline);
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "monitor/probe/cause.hpp"
#include "monitor/probe/probe.hpp"
#include "monitor/probe/waiter.hpp"
#include "turnkeeper/turn/session.hpp"

namespace turnkeeper::monitor {

// A connection to the target, or why there is none; internal if the waiter was stopped.
[[nodiscard]] boost::asio::awaitable<tl::expected<turn::Connection, turn::ConnectFailure>> open_connection(
    std::shared_ptr<Waiter> waiter, turn::Endpoint endpoint, turn::ConnectOptions options);

class Allocation {
 public:
  Allocation(std::shared_ptr<Waiter> waiter, const Clock& clock, std::chrono::milliseconds rto);

  // Connects to the target and allocates there with this credential rather than the target's. Ends with made() or
  // refused() set; neither when there was no answer in time, or no way to connect.
  [[nodiscard]] boost::asio::awaitable<void> make(ProbeTarget target, turn::Credential credential, Deadline deadline);
  [[nodiscard]] bool made() const { return state_->allocated.has_value(); }
  [[nodiscard]] const std::optional<turn::Failure>& refused() const { return state_->refused; }
  [[nodiscard]] const std::optional<turn::Allocated>& allocated() const { return state_->allocated; }
  // Why there was no answer.
  [[nodiscard]] const std::optional<Diagnosis>& unreachable() const { return state_->unreachable; }

  struct Bound {
    std::vector<turn::SocketAddress> accepted;
    int refused = 0;     // answers other than success
    int unanswered = 0;  // when the deadline came
  };
  // Asks for a channel to each of the peers at once; sends nothing to them. Once made().
  [[nodiscard]] boost::asio::awaitable<Bound> bind(std::vector<turn::SocketAddress> peers, Deadline deadline);
  // Always last; at once when there is nothing to release.
  [[nodiscard]] boost::asio::awaitable<void> release(Deadline deadline);

 private:
  struct State {
    std::optional<turn::Allocated> allocated;
    std::optional<turn::Failure> refused;
    std::optional<Diagnosis> unreachable;
    Bound bound;
    bool released = false;
  };
  std::shared_ptr<Waiter> waiter_;
  const Clock& clock_;
  std::chrono::milliseconds rto_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::unique_ptr<turn::Session> session_;
};

}  // namespace turnkeeper::monitor
