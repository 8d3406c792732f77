#include "turnkeeper/http/server.hpp"

#include <unistd.h>

#include <utility>
// Asio 1.74 uses std::exchange in its coroutine headers without including this.
#include <boost/asio.hpp>
#include <unordered_set>

#include "turnkeeper/base/log.hpp"
#include "turnkeeper/http/connection.hpp"
#include "turnkeeper/http/listen.hpp"

namespace turnkeeper::http {

namespace asio = boost::asio;
using boost::system::error_code;

class Server::Impl : public std::enable_shared_from_this<Server::Impl> {
 public:
  Impl(asio::io_context& io, Listener listener, Router router, Limits limits)
      : listener_(std::move(listener)),
        service_(std::make_shared<const Service>(Service{std::move(router), limits})),
        pause_(io),
        grace_(io) {}

  void start() { asio::co_spawn(listener_.acceptor.get_executor(), accept(shared_from_this()), asio::detached); }

  void stop() {
    if (std::exchange(stopped_, true)) return;
    error_code ignored;
    listener_.acceptor.close(ignored);
    pause_.cancel();
    if (!listener_.unix_path.empty()) ::unlink(listener_.unix_path.c_str());
    for (const auto& connection : connections_) connection->stop();
    if (connections_.empty()) return;
    grace_.expires_after(std::chrono::seconds(1));
    grace_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->cut();
    });
  }

  void cut() {
    grace_.cancel();
    for (const auto& connection : connections_) connection->cut();
    connections_.clear();
  }

  [[nodiscard]] const std::string& address() const { return listener_.address; }
  [[nodiscard]] std::uint16_t port() const { return listener_.port; }

 private:
  // The frame owns its Impl: the server object may be gone when the acceptor's last completion runs.
  static asio::awaitable<void> accept(std::shared_ptr<Impl> self) {
    while (!self->stopped_) {
      error_code error;
      auto socket = co_await self->listener_.acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (self->stopped_) co_return;
      if (error) {
        // Out of descriptors or memory: connections that end give some back.
        log::warn("cannot accept a connection", {{"address", self->address()}, {"error", error.message()}});
        self->pause_.expires_after(std::chrono::milliseconds(100));
        co_await self->pause_.async_wait(asio::redirect_error(asio::use_awaitable, error));
        continue;
      }
      self->serve(std::move(socket));
    }
  }

  void serve(asio::basic_stream_socket<StreamProtocol> socket) {
    if (connections_.size() >= service_->limits.connections) {
      refuse(socket);
      return;
    }
    auto connection = std::make_shared<Connection>(std::move(socket), service_);
    connections_.insert(connection);
    connection->start([self = shared_from_this(), key = std::weak_ptr<Connection>(connection)] {
      if (const auto done = key.lock()) self->connections_.erase(done);
      if (self->stopped_ && self->connections_.empty()) self->grace_.cancel();
    });
  }

  static void refuse(asio::basic_stream_socket<StreamProtocol>& socket) {
    error_code ignored;
    socket.non_blocking(true, ignored);
    constexpr std::string_view answer =
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    socket.write_some(asio::buffer(answer), ignored);
  }

  Listener listener_;
  std::shared_ptr<const Service> service_;
  asio::steady_timer pause_;
  asio::steady_timer grace_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  bool stopped_ = false;
};

Result<std::unique_ptr<Server>> Server::listen(asio::io_context& io, const std::string& address, Router router,
                                               Limits limits) {
  auto listener = open_listener(io, address);
  if (!listener) return fail(listener.error());
  auto impl = std::make_shared<Impl>(io, std::move(*listener), std::move(router), limits);
  impl->start();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  impl_->stop();
  impl_->cut();
}

const std::string& Server::address() const {
  return impl_->address();
}

std::uint16_t Server::port() const {
  return impl_->port();
}

void Server::stop() {
  impl_->stop();
}

}  // namespace turnkeeper::http
