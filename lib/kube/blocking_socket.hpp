// A TCP socket that blocks the thread that uses it until its deadline, as Asio's synchronous streams want one; Asio's
// own heed no deadline, and its asynchronous ones cost an epoll instance for each connection and several times the
// system calls. Used by one thread at a time; interrupt() is for any.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <mutex>

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::kube {

class BlockingSocket {
 public:
  using error_code = boost::system::error_code;
  using executor_type = boost::asio::io_context::executor_type;
  using lowest_layer_type = BlockingSocket;

  // `executor` is asked for by boost::asio::ssl::stream and never used.
  explicit BlockingSocket(executor_type executor) : executor_(executor) {}
  ~BlockingSocket() { close(); }
  BlockingSocket(const BlockingSocket&) = delete;
  BlockingSocket& operator=(const BlockingSocket&) = delete;

  [[nodiscard]] executor_type get_executor() const { return executor_; }
  [[nodiscard]] BlockingSocket& lowest_layer() { return *this; }

  // From here on every operation ends by `until`, with timed_out.
  void set_deadline(SteadyTime until) { until_ = until; }
  [[nodiscard]] error_code connect(const boost::asio::ip::tcp::endpoint& server);
  // Every operation ends at once, now and from now on.
  void interrupt();
  // Nothing came meanwhile, not even an end.
  [[nodiscard]] bool is_quiet() const;

  // At least a byte, or an error: the concepts SyncReadStream and SyncWriteStream.
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& error) {
    const boost::asio::mutable_buffer first = *boost::asio::buffer_sequence_begin(buffers);
    return receive(first.data(), first.size(), error);
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    error_code error;
    const auto count = read_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return count;
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, error_code& error) {
    error = {};
    for (auto at = boost::asio::buffer_sequence_begin(buffers); at != boost::asio::buffer_sequence_end(buffers); ++at) {
      const boost::asio::const_buffer buffer = *at;
      if (buffer.size() > 0) return send(buffer.data(), buffer.size(), error);
    }
    return 0;
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers) {
    error_code error;
    const auto count = write_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return count;
  }

 private:
  [[nodiscard]] bool limit(int option, error_code& error) const;
  std::size_t receive(void* data, std::size_t size, error_code& error);
  std::size_t send(const void* data, std::size_t size, error_code& error);
  void close();

  const executor_type executor_;
  std::mutex mutex_;  // what interrupt() shares with the rest: that the descriptor is this socket's
  int descriptor_ = -1;
  bool interrupted_ = false;
  SteadyTime until_;
};

}  // namespace turnkeeper::kube
