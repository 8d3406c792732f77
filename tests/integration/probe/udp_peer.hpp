// UDP endpoints that a test plays on loopback: a server that answers as told, and a path to a real relay that loses
// what it is told to lose.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "turnkeeper/turn/message.hpp"

namespace turnkeeper::monitor {

using Datagram = std::vector<std::uint8_t>;

class UdpServer {
 public:
  using Answer = std::function<std::optional<Datagram>(turn::Bytes request)>;

  UdpServer(boost::asio::io_context& io, Answer answer)
      : socket_(io, {boost::asio::ip::address_v4::loopback(), 0}), answer_(std::move(answer)) {
    receive();
  }
  [[nodiscard]] std::uint16_t port() const { return socket_.local_endpoint().port(); }
  [[nodiscard]] int received() const { return received_; }

 private:
  void receive() {
    socket_.async_receive_from(boost::asio::buffer(buffer_), from_, [this](auto error, std::size_t size) {
      if (error) return;
      ++received_;
      if (const auto answer = answer_(turn::Bytes(buffer_).first(size))) {
        socket_.send_to(boost::asio::buffer(*answer), from_);
      }
      receive();
    });
  }

  boost::asio::ip::udp::socket socket_;
  Answer answer_;
  boost::asio::ip::udp::endpoint from_;
  std::array<std::uint8_t, 2048> buffer_{};
  int received_ = 0;
};

// One client's path to a relay, with a filter for each direction: true lets the datagram through. That nobody listens
// at the relay's end stays unknown to the client.
class UdpPath {
 public:
  using Filter = std::function<bool(turn::Bytes)>;

  UdpPath(boost::asio::io_context& io, std::uint16_t relay_port, Filter up, Filter down)
      : io_(io),
        relay_(boost::asio::ip::address_v4::loopback(), relay_port),
        near_(io, {boost::asio::ip::address_v4::loopback(), 0}),
        up_(std::move(up)),
        down_(std::move(down)) {
    receive();
  }
  [[nodiscard]] std::uint16_t port() const { return near_.local_endpoint().port(); }

 private:
  using udp = boost::asio::ip::udp;
  struct Flow {
    Flow(boost::asio::io_context& io, const udp::endpoint& client_in)
        : client(client_in), far(io, {boost::asio::ip::address_v4::loopback(), 0}) {}
    udp::endpoint client;
    udp::socket far;
    std::array<std::uint8_t, 2048> buffer{};
  };

  void receive() {
    near_.async_receive_from(boost::asio::buffer(buffer_), from_, [this](auto error, std::size_t size) {
      if (error) return;
      auto& flow = flows_[from_];
      if (!flow) {
        flow = std::make_unique<Flow>(io_, from_);
        flow->far.connect(relay_);
        receive_back(*flow);
      }
      boost::system::error_code refused;
      if (up_(turn::Bytes(buffer_).first(size))) flow->far.send(boost::asio::buffer(buffer_.data(), size), 0, refused);
      receive();
    });
  }

  void receive_back(Flow& flow) {
    flow.far.async_receive(boost::asio::buffer(flow.buffer), [this, &flow](auto error, std::size_t size) {
      if (error && error != boost::asio::error::connection_refused) return;
      if (!error && down_(turn::Bytes(flow.buffer).first(size))) {
        near_.send_to(boost::asio::buffer(flow.buffer.data(), size), flow.client);
      }
      receive_back(flow);
    });
  }

  boost::asio::io_context& io_;
  udp::endpoint relay_;
  udp::socket near_;
  Filter up_;
  Filter down_;
  udp::endpoint from_;
  std::array<std::uint8_t, 2048> buffer_{};
  std::map<udp::endpoint, std::unique_ptr<Flow>> flows_;
};

}  // namespace turnkeeper::monitor
