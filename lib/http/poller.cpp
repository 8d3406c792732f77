#include "turnkeeper/http/poller.hpp"

#include <boost/asio/buffer.hpp>
#include <utility>

namespace turnkeeper::http {
namespace {

// Then everybody else on this io_context has a turn.
constexpr int rounds_in_a_row = 4;

}  // namespace

Poller::Poller(boost::asio::io_context& io) : epoll_(io) {
  boost::system::error_code ignored;
  if (const int fd = epoll_create1(EPOLL_CLOEXEC); fd >= 0) epoll_.assign(fd, ignored);
}

bool Poller::add(int fd, Socket& socket, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &socket;
  if (!epoll_.is_open() || epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, fd, &event) != 0) return false;
  ++sockets_;
  if (!waiting_) wait();
  return true;
}

void Poller::change(int fd, Socket& socket, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &socket;
  epoll_ctl(epoll_.native_handle(), EPOLL_CTL_MOD, fd, &event);
}

void Poller::remove(int fd, const Socket& socket) {
  epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, fd, nullptr);
  for (int i = next_; i < ready_count_; ++i) {
    auto& event = ready_.at(static_cast<std::size_t>(i));
    if (event.data.ptr == &socket) event.data.ptr = nullptr;
  }
  // Nothing to wait for: an io_context with no other work may end.
  if (--sockets_ == 0 && std::exchange(waiting_, false)) {
    ++waits_;
    epoll_.cancel();
  }
}

void Poller::wait() {
  waiting_ = true;
  epoll_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    with_memory(*memory_, [weak = weak_from_this(), memory = memory_,
                                           number = ++waits_](const boost::system::error_code& error) {
                      const auto self = weak.lock();
                      if (error || !self || self->waits_ != number) return;
                      self->waiting_ = false;
                      self->poll();
                      if (self->sockets_ > 0 && !self->waiting_) self->wait();
                    }));
}

void Poller::poll() {
  for (int round = 0; round < rounds_in_a_row; ++round) {
    ready_count_ = epoll_wait(epoll_.native_handle(), ready_.data(), static_cast<int>(ready_.size()), 0);
    if (ready_count_ <= 0) break;
    for (next_ = 0; next_ < ready_count_;) {
      const auto& event = ready_.at(static_cast<std::size_t>(next_++));
      if (event.data.ptr != nullptr) static_cast<Socket*>(event.data.ptr)->on_ready(event.events);
    }
  }
  ready_count_ = next_ = 0;
}

}  // namespace turnkeeper::http
