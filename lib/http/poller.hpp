// Waits for many sockets of one io_context with an epoll of its own: Asio would spend more on each read of a small
// request than the kernel does. Private to lib/http.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <memory>

#include "turnkeeper/base/handler_memory.hpp"

namespace turnkeeper::http {

class Poller : public std::enable_shared_from_this<Poller> {
 public:
  class Socket {
   public:
    // EPOLLIN, EPOLLOUT, EPOLLRDHUP as asked for; EPOLLERR and EPOLLHUP always. Told again until it is dealt with.
    virtual void on_ready(std::uint32_t events) = 0;

   protected:
    ~Socket() = default;
  };

  explicit Poller(boost::asio::io_context& io);

  // False when the kernel gives no epoll, or no more watches.
  [[nodiscard]] bool add(int fd, Socket& socket, std::uint32_t events);
  void change(int fd, Socket& socket, std::uint32_t events);
  // Before the descriptor is closed. The socket is not called any more.
  void remove(int fd, const Socket& socket);

 private:
  void wait();
  void poll();

  boost::asio::posix::stream_descriptor epoll_;
  // The handler's too: it may end after this object.
  std::shared_ptr<HandlerMemory> memory_ = std::make_shared<HandlerMemory>();
  std::array<epoll_event, 128> ready_{};
  int ready_count_ = 0;
  int next_ = 0;
  std::size_t sockets_ = 0;
  bool waiting_ = false;
  std::uint64_t waits_ = 0;
};

}  // namespace turnkeeper::http
