// From an Endpoint to a Transport that is ready for TURN: socket, TCP connection, (D)TLS handshake with the server's
// name verified. Each phase is timed, each way to fail told.
//
//   connect(executor, {Protocol::tls, *SocketAddress::parse("192.0.2.1:5349")},
//           {.tls = tls, .server_name = "turn.example.org", .deadline = Deadline::after(real_clock(), 3s)},
//           [](tl::expected<Connection, ConnectFailure> result) {
//             if (!result) return report(result.error().kind, result.error().detail);
//             use(std::move(result->transport));
//           });
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/turn/endpoint.hpp"
#include "turnkeeper/turn/tls.hpp"
#include "turnkeeper/turn/transport.hpp"

namespace turnkeeper::turn {

struct ConnectOptions {
  std::shared_ptr<TlsContext> tls;  // needed for tls and dtls
  // What the certificate must be for: a DNS name, which is also sent as SNI, or an IP address, which must be among the
  // certificate's iPAddress names. Empty: the endpoint's address.
  std::string server_name;
  Deadline deadline{SteadyTime::max()};  // for everything
  bool whole_datagrams = false;          // as open_udp()'s
  const Clock* clock = &real_clock();    // its steady time must be the machine's
};

struct Connection {
  std::unique_ptr<Transport> transport;  // not started
  // Until the TCP connection stood; for DTLS until the server's first answer. Nothing to speak of for UDP, which sends
  // nothing here.
  std::chrono::nanoseconds connect_time{0};
  std::chrono::nanoseconds tls_time{0};        // the handshake behind that; 0 without TLS
  std::optional<PeerCertificate> certificate;  // with TLS; of the full handshake, if this one was resumed
  bool resumed = false;
  std::string tls_version;  // "TLSv1.3", "DTLSv1.2"; empty without TLS
  std::string alpn;         // what the server chose; empty: nothing
};

struct ConnectFailure {
  enum class Kind {
    refused,                // TCP reset, ICMP port unreachable
    unreachable,            // no route, ICMP host or net unreachable, forbidden by this machine
    timeout,                // the deadline passed
    closed,                 // the server ended the connection, without a word of TLS
    tls_handshake,          // no TLS that both sides accept, or no TLS at all
    certificate_expired,    // or not yet valid
    certificate_name,       // it is for other names than server_name
    certificate_untrusted,  // everything else that is wrong with it
    no_socket,              // this process has no descriptor, port or memory left for one
  };
  Kind kind{};
  std::string detail;                          // for a person, one line
  bool in_tls = false;                         // the server was reached; the handshake failed or came to no end
  std::optional<PeerCertificate> certificate;  // if it came to that
  std::chrono::nanoseconds connect_time{0};
  std::chrono::nanoseconds tls_time{0};
};

// "refused", "certificate_expired", ...
[[nodiscard]] std::string_view kind_name(ConnectFailure::Kind kind);

// Ends an attempt early. Dropping it lets the attempt go on.
class ConnectAttempt {
 public:
  ConnectAttempt() = default;
  explicit ConnectAttempt(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
  // From the executor; `done` is not called any more. Harmless when everything is over.
  void cancel() {
    if (cancel_) std::exchange(cancel_, nullptr)();
  }

 private:
  std::function<void()> cancel_;
};

// Calls `done` once, from the executor, which must not run on several threads at once; never from within the call, and
// at the deadline at the latest.
ConnectAttempt connect(const boost::asio::any_io_executor& executor, const Endpoint& endpoint, ConnectOptions options,
                       std::function<void(tl::expected<Connection, ConnectFailure>)> done);

// The same for UDP, which waits for nobody.
[[nodiscard]] tl::expected<Connection, ConnectFailure> connect_udp(const boost::asio::any_io_executor& executor,
                                                                   const SocketAddress& server,
                                                                   bool whole_datagrams = false);

}  // namespace turnkeeper::turn
