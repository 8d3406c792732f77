#include "monitor/probe/waiter.hpp"

#include <boost/asio/post.hpp>

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
  if (stop.stop_possible()) on_stop_.emplace(stop, OnStop{weak_from_this(), executor_});
}

void Waiter::wake() {
  woken_ = true;
  resume();
}

// Never from within the call: whoever wakes a coroutine is in the midst of something that it may end.
void Waiter::resume() {
  if (!waiting_) return;
  timer_.clear();
  Resume resume = std::move(*waiting_);
  waiting_.reset();
  boost::asio::post(executor_, std::move(resume));
}

boost::asio::awaitable<void> Waiter::wait(Deadline deadline) {
  const auto self = shared_from_this();
  if (!woken_) {
    boost::asio::use_awaitable_t<> token;
    co_await boost::asio::async_initiate<boost::asio::use_awaitable_t<>, void()>(
        [this, deadline](Resume resume) {
          waiting_.emplace(std::move(resume));
          timer_.set(deadline.at());
        },
        token);
  }
  woken_ = false;
}

}  // namespace turnkeeper::monitor
