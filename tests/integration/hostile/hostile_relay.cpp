#include "hostile_relay.hpp"

#include <boost/asio/write.hpp>
#include <memory>

namespace turnkeeper::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using boost::system::error_code;

turn::SocketAddress loopback(std::uint16_t port) {
  return *turn::SocketAddress::from_ip("127.0.0.1", port);
}

}  // namespace

HostileDatagramRelay::HostileDatagramRelay(Behaviour behaviour)
    : socket_(io_, {asio::ip::address_v4::loopback(), 0}),
      elsewhere_(io_, {asio::ip::address_v4::loopback(), 0}),
      behaviour_(std::move(behaviour)) {
  receive();
  thread_ = std::thread([this] { io_.run(); });
}

HostileDatagramRelay::~HostileDatagramRelay() {
  stop();
}

void HostileDatagramRelay::stop() {
  io_.stop();
  if (thread_.joinable()) thread_.join();
}

turn::Endpoint HostileDatagramRelay::endpoint() const {
  return {turn::Protocol::udp, loopback(socket_.local_endpoint().port())};
}

void HostileDatagramRelay::receive() {
  socket_.async_receive_from(asio::buffer(buffer_), from_, [this](error_code error, std::size_t size) {
    if (!error) {
      ++received_;
      const auto through = [this](asio::ip::udp::socket& socket) {
        return [this, &socket](turn::Bytes bytes) {
          error_code ignored;
          socket.send_to(asio::buffer(bytes.data(), bytes.size()), from_, 0, ignored);
        };
      };
      behaviour_(turn::Bytes(buffer_).first(size), {through(socket_), through(elsewhere_), endpoint().address});
    }
    receive();
  });
}

struct HostileStreamRelay::Connection : std::enable_shared_from_this<Connection> {
  Connection(HostileStreamRelay& relay_in, asio::ip::tcp::socket socket_in)
      : relay(relay_in), socket(std::move(socket_in)), timer(relay_in.io_) {
    ++relay.connections_;
    ++relay.open_;
  }
  ~Connection() { --relay.open_; }

  void read() {
    socket.async_read_some(asio::buffer(buffer), [self = shared_from_this()](error_code error, std::size_t size) {
      if (error) {
        error_code ignored;
        self->socket.close(ignored);
        self->timer.cancel();
        return;
      }
      const bool first = self->heard.empty();
      self->relay.received_ += size;
      self->heard.assign(self->buffer.begin(), self->buffer.begin() + static_cast<std::ptrdiff_t>(size));
      self->read();
      if (first) self->next();
    });
  }

  void next() {
    auto wanted = relay.behaviour_(heard, call++);
    if (!wanted) {
      error_code ignored;
      socket.close(ignored);
      return;
    }
    piece = std::move(*wanted);
    asio::async_write(socket, asio::buffer(piece), [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return;
      self->timer.expires_after(self->relay.pause_);
      self->timer.async_wait([self](error_code cancelled) {
        if (!cancelled && self->socket.is_open()) self->next();
      });
    });
  }

  HostileStreamRelay& relay;
  asio::ip::tcp::socket socket;
  asio::steady_timer timer;
  std::array<std::uint8_t, 4096> buffer{};
  Datagram heard;
  Datagram piece;
  int call = 0;
};

HostileStreamRelay::HostileStreamRelay(Behaviour behaviour, std::chrono::milliseconds pause)
    : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}), behaviour_(std::move(behaviour)), pause_(pause) {
  accept();
  thread_ = std::thread([this] { io_.run(); });
}

HostileStreamRelay::~HostileStreamRelay() {
  io_.stop();
  thread_.join();
}

turn::Endpoint HostileStreamRelay::endpoint() const {
  return {turn::Protocol::tcp, loopback(acceptor_.local_endpoint().port())};
}

bool HostileStreamRelay::all_closed_within(std::chrono::milliseconds patience) const {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (open_ > 0 && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(5ms);
  return open_ == 0;
}

void HostileStreamRelay::accept() {
  acceptor_.async_accept([this](error_code error, asio::ip::tcp::socket socket) {
    if (!error) std::make_shared<Connection>(*this, std::move(socket))->read();
    accept();
  });
}

}  // namespace turnkeeper::test
