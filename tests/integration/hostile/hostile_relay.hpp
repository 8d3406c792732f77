// Relays that answer as a test tells them, over UDP and over TCP, each on a port of 127.0.0.1 and in a thread of its
// own, so that what the prober's thread spends can be told from what the relay spends.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <thread>
#include <vector>

#include "../../unit/turn/scripted_server.hpp"
#include "turnkeeper/turn/endpoint.hpp"
#include "turnkeeper/turn/message.hpp"

namespace turnkeeper::test {

using Datagram = std::vector<std::uint8_t>;

class HostileDatagramRelay {
 public:
  using Send = std::function<void(turn::Bytes)>;
  // What to do about a datagram: `send` answers it; `send_from_elsewhere` does so from another port.
  struct Reply {
    Send send;
    Send send_from_elsewhere;
    turn::SocketAddress own_address;
  };
  using Behaviour = std::function<void(turn::Bytes datagram, const Reply& reply)>;

  explicit HostileDatagramRelay(Behaviour behaviour);
  ~HostileDatagramRelay();
  HostileDatagramRelay(const HostileDatagramRelay&) = delete;
  HostileDatagramRelay& operator=(const HostileDatagramRelay&) = delete;

  [[nodiscard]] turn::Endpoint endpoint() const;
  // Datagrams that came in so far.
  [[nodiscard]] int received() const { return received_; }
  // The behaviour is not called any more, and what it left can be read.
  void stop();

 private:
  void receive();

  boost::asio::io_context io_;
  boost::asio::ip::udp::socket socket_;
  boost::asio::ip::udp::socket elsewhere_;
  boost::asio::ip::udp::endpoint from_;
  std::array<std::uint8_t, 65536> buffer_{};
  Behaviour behaviour_;
  std::atomic<int> received_ = 0;
  std::thread thread_;
};

class HostileStreamRelay {
 public:
  // Called again and again from when the client has sent something, `pause` after what it returned was written, until
  // it returns nothing, which ends the connection. `heard`: what the client sent last. An empty piece writes nothing.
  using Behaviour = std::function<std::optional<Datagram>(turn::Bytes heard, int call)>;

  HostileStreamRelay(Behaviour behaviour, std::chrono::milliseconds pause);
  ~HostileStreamRelay();
  HostileStreamRelay(const HostileStreamRelay&) = delete;
  HostileStreamRelay& operator=(const HostileStreamRelay&) = delete;

  [[nodiscard]] turn::Endpoint endpoint() const;
  [[nodiscard]] int connections() const { return connections_; }
  // Bytes that clients sent.
  [[nodiscard]] std::size_t received() const { return received_; }
  // Whether every connection was ended, by either side, within the time.
  [[nodiscard]] bool all_closed_within(std::chrono::milliseconds patience) const;

 private:
  struct Connection;
  void accept();

  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  Behaviour behaviour_;
  std::chrono::milliseconds pause_;
  std::atomic<int> connections_ = 0;
  std::atomic<int> open_ = 0;
  std::atomic<std::size_t> received_ = 0;
  std::thread thread_;
};

}  // namespace turnkeeper::test
