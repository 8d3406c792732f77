#include "turnkeeper/turn/connect.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include "turnkeeper/turn/dtls_transport.hpp"
#include "turnkeeper/turn/socket_endpoint.hpp"
#include "turnkeeper/turn/stream_transport.hpp"
#include "turnkeeper/turn/udp_transport.hpp"

namespace turnkeeper::turn {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Kind = ConnectFailure::Kind;
using Outcome = tl::expected<Connection, ConnectFailure>;

ConnectFailure socket_failure(const error_code& error) {
  if (const auto path = PathFailure::of(error.value())) return to_connect_failure(*path, false);
  return {.kind = Kind::no_socket, .detail = error.message()};
}

// One connect() on its way. The timer keeps it alive until its end.
struct Attempt : std::enable_shared_from_this<Attempt> {
  Attempt(const asio::any_io_executor& executor_in, const Endpoint& endpoint_in, ConnectOptions options_in,
          std::function<void(Outcome)> done_in)
      : executor(executor_in),
        endpoint(endpoint_in),
        options(std::move(options_in)),
        done(std::move(done_in)),
        timer(executor),
        socket(executor) {}

  void begin() {
    started = options.clock->steady();
    timer.expires_at(options.deadline.at());
    timer.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error) self->on_deadline();
    });
    if (is_secure() && !options.tls) {
      return fail({.kind = Kind::tls_handshake, .detail = "no TLS context was given"});
    }
    switch (endpoint.protocol) {
      case Protocol::udp:
      case Protocol::dtls:
        return open_datagrams();
      case Protocol::tcp:
      case Protocol::tls:
        return connect_stream();
    }
  }

  [[nodiscard]] bool is_secure() const {
    return endpoint.protocol == Protocol::tls || endpoint.protocol == Protocol::dtls;
  }

  void open_datagrams() {
    error_code error;
    auto datagrams = open_udp(executor, endpoint.address, error, options.whole_datagrams);
    if (!datagrams) return fail(socket_failure(error));
    if (endpoint.protocol == Protocol::dtls) {
      return handshake(make_dtls_transport(executor, std::move(datagrams), options.tls, tls_options()));
    }
    reached = options.clock->steady();
    succeed({.transport = std::move(datagrams)});
  }

  void connect_stream() {
    const auto to = to_socket_endpoint<tcp::endpoint>(endpoint.address);
    error_code error;
    socket.open(to.protocol(), error);
    if (error) return fail(socket_failure(error));
    socket.async_connect(to, [self = shared_from_this()](const error_code& failed) {
      if (!self->done) return;
      if (failed) return self->fail(self->connect_failure(failed));
      self->reached = self->options.clock->steady();
      if (self->endpoint.protocol == Protocol::tls) {
        return self->handshake(make_tls_transport(std::move(self->socket), self->endpoint.address, self->options.tls,
                                                  self->tls_options()));
      }
      self->succeed({.transport = make_tcp_transport(std::move(self->socket), self->endpoint.address)});
    });
  }

  ConnectFailure connect_failure(const error_code& error) const {
    auto failure = socket_failure(error);
    if (error == asio::error::timed_out) failure.kind = Kind::timeout;  // the kernel gave up before the deadline
    if (error == asio::error::connection_reset) failure.kind = Kind::refused;
    return failure;
  }

  [[nodiscard]] TlsEngine::Options tls_options() const {
    const auto name = options.server_name.empty() ? endpoint.address.ip_string() : options.server_name;
    return {.server_name = name, .session_key = name + " " + endpoint.to_string(), .clock = options.clock};
  }

  void handshake(std::unique_ptr<SecureTransport> transport) {
    securing = std::move(transport);
    const auto weak = weak_from_this();
    securing->handshake({.on_reached =
                             [weak] {
                               if (const auto self = weak.lock()) self->reached = self->options.clock->steady();
                             },
                         .on_done =
                             [weak] {
                               if (const auto self = weak.lock()) self->on_secured();
                             },
                         .on_failed =
                             [weak](ConnectFailure failure) {
                               if (const auto self = weak.lock()) self->fail(std::move(failure));
                             }});
  }

  void on_secured() {
    Connection connection;
    securing->describe(connection);
    connection.transport = std::move(securing);
    succeed(std::move(connection));
  }

  void on_deadline() {
    const bool in_tls = is_secure() && reached;
    fail({.kind = Kind::timeout,
          .detail = in_tls ? "the TLS handshake did not end in time" : "no answer in time",
          .in_tls = in_tls});
  }

  void succeed(Connection connection) {
    set_times(connection);
    finish(std::move(connection));
  }

  void fail(ConnectFailure failure) {
    set_times(failure);
    finish(tl::unexpected(std::move(failure)));
  }

  template <class Timed>
  void set_times(Timed& timed) const {
    const auto now = options.clock->steady();
    timed.connect_time = reached.value_or(now) - started;
    if (is_secure() && reached) timed.tls_time = now - *reached;
  }

  // From a post, since everything above may run within connect(), or within a callback of the transport that goes.
  void finish(Outcome outcome) {
    if (!done || ended) return;
    ended = true;
    asio::post(executor, [self = shared_from_this(), outcome = std::make_shared<Outcome>(std::move(outcome))] {
      if (const auto callback = self->end()) callback(std::move(*outcome));
    });
  }

  // Lets go of everything; what is left to call, if anything.
  std::function<void(Outcome)> end() {
    ended = true;
    timer.cancel();
    error_code ignored;
    if (socket.is_open()) socket.close(ignored);
    securing.reset();
    return std::exchange(done, nullptr);
  }

  asio::any_io_executor executor;
  Endpoint endpoint;
  ConnectOptions options;
  std::function<void(Outcome)> done;
  asio::steady_timer timer;
  tcp::socket socket;
  std::unique_ptr<SecureTransport> securing;
  SteadyTime started;
  std::optional<SteadyTime> reached;  // when the server was known to be there
  bool ended = false;
};

}  // namespace

std::string_view kind_name(ConnectFailure::Kind kind) {
  switch (kind) {
    case Kind::refused:
      return "refused";
    case Kind::unreachable:
      return "unreachable";
    case Kind::timeout:
      return "timeout";
    case Kind::closed:
      return "closed";
    case Kind::tls_handshake:
      return "tls_handshake";
    case Kind::certificate_expired:
      return "certificate_expired";
    case Kind::certificate_name:
      return "certificate_name";
    case Kind::certificate_untrusted:
      return "certificate_untrusted";
    case Kind::no_socket:
      return "no_socket";
  }
  return "";
}

ConnectFailure to_connect_failure(const PathFailure& failure, bool in_tls) {
  const auto kind = [&] {
    switch (failure.kind) {
      case PathFailure::Kind::refused:
        return Kind::refused;
      case PathFailure::Kind::unreachable:
        return Kind::unreachable;
      case PathFailure::Kind::closed:
        break;
    }
    return Kind::closed;
  };
  return {.kind = kind(), .detail = failure.reason, .in_tls = in_tls};
}

Outcome connect_udp(const asio::any_io_executor& executor, const SocketAddress& server, bool whole_datagrams) {
  error_code error;
  auto datagrams = open_udp(executor, server, error, whole_datagrams);
  if (!datagrams) return tl::unexpected(socket_failure(error));
  return Connection{.transport = std::move(datagrams)};
}

ConnectAttempt connect(const asio::any_io_executor& executor, const Endpoint& endpoint, ConnectOptions options,
                       std::function<void(Outcome)> done) {
  const auto attempt = std::make_shared<Attempt>(executor, endpoint, std::move(options), std::move(done));
  attempt->begin();
  return ConnectAttempt([attempt] { attempt->end(); });
}

}  // namespace turnkeeper::turn
