#include "monitor/probe/waiter.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace turnkeeper::monitor {

void Waiter::OnStop::operator()() const {
  boost::asio::post(executor, [waiter = waiter] {
    const auto self = waiter.lock();
    if (!self) return;
    self->stopped_ = true;
    self->wake();
  });
}

void Waiter::stop_with(const std::stop_token& stop) {
  if (stop.stop_possible()) on_stop_.emplace(stop, OnStop{weak_from_this(), timer_.get_executor()});
}

void Waiter::wake() {
  woken_ = true;
  timer_.cancel();
}

boost::asio::awaitable<void> Waiter::wait(Deadline deadline) {
  const auto self = shared_from_this();
  if (!std::exchange(woken_, false)) {
    boost::system::error_code ignored;
    timer_.expires_at(deadline.at());
    co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    woken_ = false;
  }
}

}  // namespace turnkeeper::monitor
