// A connected TCP socket that never makes its user wait: bytes come by callback, what the socket does not take at once
// is kept up to a limit. For this folder only.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>

#include "turnkeeper/turn/transport.hpp"

namespace turnkeeper::turn {

class ByteStream {
 public:
  struct Handlers {
    std::function<void(Bytes)> on_bytes;
    std::function<void(const PathFailure&)> on_end;  // once; nothing comes after it
  };

  explicit ByteStream(boost::asio::ip::tcp::socket connected);
  // Closes, after what send() could hand to the operating system.
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  // Reads until stop(). A callback may destroy the stream.
  void start(Handlers handlers);
  // From within on_bytes only.
  void stop();
  // Ends the connection when the server leaves more than 256 KiB unread.
  void send(Bytes bytes);
  // Bytes that wait to be sent.
  [[nodiscard]] std::size_t backlog() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace turnkeeper::turn
