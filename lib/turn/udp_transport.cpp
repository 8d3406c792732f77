#include "turnkeeper/turn/udp_transport.hpp"

#include <sys/socket.h>

#include <netinet/in.h>
#include <algorithm>
#include <array>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>

namespace turnkeeper::turn {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;

udp::endpoint to_endpoint(const SocketAddress& address) {
  if (address.family() == SocketAddress::Family::ipv4) {
    asio::ip::address_v4::bytes_type bytes{};
    std::copy(address.ip().begin(), address.ip().end(), bytes.begin());
    return {asio::ip::address_v4(bytes), address.port()};
  }
  asio::ip::address_v6::bytes_type bytes{};
  std::copy(address.ip().begin(), address.ip().end(), bytes.begin());
  return {asio::ip::address_v6(bytes), address.port()};
}

SocketAddress from_endpoint(const udp::endpoint& endpoint) {
  if (endpoint.address().is_v4()) return {endpoint.address().to_v4().to_bytes(), endpoint.port()};
  return {endpoint.address().to_v6().to_bytes(), endpoint.port()};
}

// Errors that say something about the path, not about this process or one datagram.
bool is_unreachable(const boost::system::error_code& error) {
  return error == asio::error::connection_refused || error == asio::error::host_unreachable ||
         error == asio::error::network_unreachable || error == asio::error::network_down;
}

// Outlives the transport while a handler of Asio still refers to it.
struct Socket : std::enable_shared_from_this<Socket> {
  explicit Socket(const asio::any_io_executor& executor) : socket(executor) {}

  // Linux reports ICMP host- and net-unreachable on a UDP socket only to those who ask, and then queues the details,
  // which nobody here needs.
  void want_all_icmp_errors(bool v6) {
    const int on = 1;
    setsockopt(socket.native_handle(), v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof on);
  }
  void drain_error_queue() {
    std::array<char, 512> control;
    msghdr message{};
    do {
      message = {};
      message.msg_control = control.data();
      message.msg_controllen = control.size();
    } while (recvmsg(socket.native_handle(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0);
  }

  void receive() {
    auto self = shared_from_this();
    socket.async_receive(asio::buffer(buffer), [self](const boost::system::error_code& error, std::size_t size) {
      if (self->closed || error == asio::error::operation_aborted) return;
      if (!error) {
        // A copy: the callback may destroy the transport, and with it the receiver.
        const auto receiver = self->receiver;
        receiver->on_message(Bytes(self->buffer).first(size));
      } else {
        self->drain_error_queue();
        self->report(error);
      }
      if (!self->closed) self->receive();
    });
  }

  void report(const boost::system::error_code& error) {
    if (!closed && is_unreachable(error)) {
      const auto current = receiver;
      current->on_unreachable(error.message());
    }
  }

  udp::socket socket;
  std::shared_ptr<const Transport::Receiver> receiver;
  std::array<std::uint8_t, 65536> buffer;
  bool closed = false;
};

class UdpTransport final : public Transport {
 public:
  UdpTransport(std::shared_ptr<Socket> socket, const SocketAddress& server)
      : socket_(std::move(socket)), server_(server) {
    boost::system::error_code ignored;
    local_ = from_endpoint(socket_->socket.local_endpoint(ignored));
  }
  ~UdpTransport() override {
    socket_->closed = true;
    boost::system::error_code ignored;
    socket_->socket.close(ignored);
  }
  UdpTransport(const UdpTransport&) = delete;
  UdpTransport& operator=(const UdpTransport&) = delete;

  void start(Receiver receiver) override {
    socket_->receiver = std::make_shared<const Receiver>(std::move(receiver));
    socket_->receive();
  }

  void send(Bytes message) override {
    boost::system::error_code error;
    socket_->socket.send(asio::buffer(message.data(), message.size()), 0, error);
    if (!is_unreachable(error)) return;
    // The error may be that of an earlier datagram and this one was not sent: once more, as it costs nothing.
    boost::system::error_code again;
    socket_->socket.send(asio::buffer(message.data(), message.size()), 0, again);
    asio::post(socket_->socket.get_executor(), [socket = socket_, error] { socket->report(error); });
  }

  SocketAddress local() const override { return local_; }
  SocketAddress server() const override { return server_; }

 private:
  std::shared_ptr<Socket> socket_;
  SocketAddress server_;
  SocketAddress local_;
};

}  // namespace

Result<std::unique_ptr<Transport>> open_udp(const asio::any_io_executor& executor, const SocketAddress& server) {
  const auto endpoint = to_endpoint(server);
  auto socket = std::make_shared<Socket>(executor);
  boost::system::error_code error;
  socket->socket.open(endpoint.protocol(), error);
  if (error) {
    return fail("no UDP socket for " + server.to_string() + ": " + error.message(),
                "raise this process's limit of open files");
  }
  socket->socket.non_blocking(true, error);
  socket->want_all_icmp_errors(endpoint.protocol() == udp::v6());
  socket->socket.connect(endpoint, error);
  if (error) {
    return fail("no UDP path to " + server.to_string() + ": " + error.message(), "check this machine's routes");
  }
  return std::make_unique<UdpTransport>(std::move(socket), server);
}

}  // namespace turnkeeper::turn
