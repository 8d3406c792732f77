// A TCP socket that blocks the thread that uses it until its deadline. Asio's synchronous ones heed no deadline, and
// its asynchronous ones cost an epoll instance for each connection and several times the system calls. Used by one
// thread at a time; interrupt() is for any.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <mutex>

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::kube {

class BlockingSocket {
 public:
  using error_code = boost::system::error_code;

  BlockingSocket() = default;
  ~BlockingSocket() { close(); }
  BlockingSocket(const BlockingSocket&) = delete;
  BlockingSocket& operator=(const BlockingSocket&) = delete;

  // From here on every operation ends by `until`, with timed_out.
  void set_deadline(SteadyTime until) { until_ = until; }
  [[nodiscard]] error_code connect(const boost::asio::ip::tcp::endpoint& server);
  // At least a byte, or 0 and an error: eof when the other side closed.
  std::size_t receive(void* data, std::size_t size, error_code& error);
  std::size_t send(const void* data, std::size_t size, error_code& error);
  // Every operation ends at once, now and from now on.
  void interrupt();
  // Nothing came meanwhile, not even an end.
  [[nodiscard]] bool is_quiet() const;

 private:
  [[nodiscard]] bool limit(int option, error_code& error) const;
  void close();

  std::mutex mutex_;  // what interrupt() shares with the rest: that the descriptor is this socket's
  int descriptor_ = -1;
  bool interrupted_ = false;
  SteadyTime until_;
};

}  // namespace turnkeeper::kube
