#include "turnkeeper/http/server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "turnkeeper/base/log.hpp"
#include "turnkeeper/http/connection.hpp"
#include "turnkeeper/http/listen.hpp"
#include "turnkeeper/http/tls.hpp"

namespace turnkeeper::http {

namespace asio = boost::asio;
using boost::system::error_code;

class Server::Impl : public std::enable_shared_from_this<Server::Impl> {
 public:
  Impl(asio::io_context& io, Listener listener, Router router, const Limits& limits,
       std::unique_ptr<TlsCertificate> certificate)
      : listener_(std::move(listener)),
        certificate_(std::move(certificate)),
        service_(std::make_shared<Service>(io, std::move(router), limits)),
        pause_(io),
        check_(io),
        grace_(io) {}

  void start() {
    service_->on_empty = [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && self->stopped_) self->end();
    };
    accept_later();
    if (certificate_) check_later();
  }

  void stop() {
    if (std::exchange(stopped_, true)) return;
    error_code ignored;
    listener_.acceptor.close(ignored);
    pause_.cancel();
    check_.cancel();
    if (!listener_.unix_path.empty()) ::unlink(listener_.unix_path.c_str());
    for_each([](Connection& connection) { connection.stop(); });
    if (service_->connections == 0) return end();
    grace_.expires_after(std::chrono::seconds(1));
    grace_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->cut();
    });
  }

  void cut() {
    for_each([](Connection& connection) { connection.close(); });
    end();
  }

  [[nodiscard]] const std::string& address() const { return listener_.address; }
  [[nodiscard]] std::uint16_t port() const { return listener_.port; }

 private:
  void end() {
    grace_.cancel();
    service_->deadlines->stop();
  }

  // A connection that ends takes itself off the list, and perhaps others with it.
  template <class Action>
  void for_each(Action action) {
    std::vector<std::shared_ptr<Connection>> all;
    for (auto& connection : connections_) all.push_back(connection.shared_from_this());
    for (const auto& connection : all) action(*connection);
  }

  void accept_later() {
    listener_.acceptor.async_wait(Acceptor::wait_read, [weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (!self || self->stopped_ || error) return;
      self->accept();
    });
  }

  // Those that wait, up to a number: then those that are there have a turn.
  void accept() {
    for (int i = 0; i < 64 && !stopped_; ++i) {
      StreamProtocol::endpoint remote;
      socklen_t size = remote.capacity();
      const int fd = ::accept4(listener_.acceptor.native_handle(), remote.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        if (errno == EAGAIN) break;
        if (errno == ECONNABORTED || errno == EINTR) continue;
        return pause();
      }
      remote.resize(size);
      serve(fd, describe_peer(remote));
    }
    if (!stopped_) accept_later();
  }

  // Out of descriptors or memory: connections that end give some back.
  void pause() {
    log::warn("cannot accept a connection", {{"address", address()}, {"error", std::strerror(errno)}});
    if (auto* idle = service_->deadlines->longest(Wait::idle)) Connection::of(*idle).close();
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([weak = weak_from_this()](error_code error) {
      if (const auto self = weak.lock(); self && !error && !self->stopped_) self->accept_later();
    });
  }

  void serve(int fd, Peer peer) {
    const Limits& limits = service_->limits;
    const auto known = service_->clients.find(peer.host);
    const bool greedy = limits.connections_per_address != 0 && known != service_->clients.end() &&
                        known->second >= limits.connections_per_address;
    if (!greedy && service_->connections >= limits.connections) {
      if (auto* idle = service_->deadlines->longest(Wait::idle)) Connection::of(*idle).close();
    }
    if (greedy || service_->connections >= limits.connections) return refuse(fd);
    if (listener_.unix_path.empty()) {
      const int on = 1;  // an answer is one send; it waits for nothing
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    const auto connection =
        Connection::open(service_, fd, std::move(peer), certificate_ ? &certificate_->context() : nullptr);
    if (connection) connections_.push_back(*connection);
  }

  void refuse(int fd) const {
    constexpr std::string_view answer =
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    if (!certificate_) (void)::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    ::close(fd);
  }

  void check_later() {
    check_.expires_after(service_->limits.certificate_check);
    check_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (!self || error || self->stopped_) return;
      self->certificate_->refresh();
      self->check_later();
    });
  }

  Listener listener_;
  std::unique_ptr<TlsCertificate> certificate_;
  std::shared_ptr<Service> service_;
  boost::intrusive::list<Connection, boost::intrusive::base_hook<ConnectionHook>,
                         boost::intrusive::constant_time_size<false>>
      connections_;
  asio::steady_timer pause_;
  asio::steady_timer check_;
  asio::steady_timer grace_;
  bool stopped_ = false;
};

Result<std::unique_ptr<Server>> Server::listen(asio::io_context& io, const std::string& address, Router router,
                                               Limits limits, std::optional<TlsFiles> tls) {
  std::unique_ptr<TlsCertificate> certificate;
  if (tls) {
    auto loaded = TlsCertificate::load(*tls);
    if (!loaded) return fail(loaded.error());
    certificate = std::move(*loaded);
  }
  auto listener = open_listener(io, address);
  if (!listener) return fail(listener.error());
  auto impl = std::make_shared<Impl>(io, std::move(*listener), std::move(router), limits, std::move(certificate));
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
