// Lets a coroutine wait for what callbacks report, until a deadline, or until it is told to stop.
//
//   auto waiter = std::make_shared<Waiter>(executor, stop);
//   start([waiter, &state] { state.done = true; waiter->wake(); });
//   while (!state.done && !waiter->stopped() && !deadline.expired(clock)) co_await waiter->wait(deadline);
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <stop_token>

#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/turn/timer_wheel.hpp"

namespace turnkeeper::monitor {

// One thread, that of the executor; only the stop may come from another.
class Waiter : public std::enable_shared_from_this<Waiter> {
 public:
  explicit Waiter(const boost::asio::any_io_executor& executor)
      : executor_(executor), timer_(turn::TimerWheel::of(executor), *this) {}

  // Once, before the first wait().
  void stop_with(const std::stop_token& stop);
  [[nodiscard]] bool stopped() const { return stopped_; }
  void wake();
  // Returns after wake(), the stop or the deadline, whichever is first, and may return earlier than all of them. One
  // coroutine waits at a time.
  [[nodiscard]] boost::asio::awaitable<void> wait(Deadline deadline);

 private:
  struct OnStop {
    std::weak_ptr<Waiter> waiter;
    boost::asio::any_io_executor executor;
    void operator()() const;
  };
  // Of the coroutine that waits.
  using Resume = boost::asio::async_result<boost::asio::use_awaitable_t<>, void()>::handler_type;
  void resume();

  const boost::asio::any_io_executor executor_;
  turn::TimerOf<Waiter, &Waiter::resume> timer_;
  std::optional<Resume> waiting_;
  bool stopped_ = false;
  bool woken_ = false;
  std::optional<std::stop_callback<OnStop>> on_stop_;
};

}  // namespace turnkeeper::monitor
