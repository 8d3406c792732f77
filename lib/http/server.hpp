// An inbound HTTP/1.1 server on the caller's io_context.
//
//   boost::asio::io_context io;
//   Router router;
//   router.get("/healthz", [](const Request&) { return Response::text("ok\n"); });
//   auto server = Server::listen(io, "127.0.0.1:8480", std::move(router));
//   if (!server) return fail(server.error());
//   log::info("listening", {{"address", (*server)->address()}});
//   io.run();
//
// With TlsFiles it speaks HTTPS, at least TLS 1.2. Requests may be pipelined; bodies may be chunked; HEAD and
// "Expect: 100-continue" are understood. An idle connection costs a few hundred bytes.
// Threading: run the io_context on one thread; handlers run there, and Server is used from there (or before it runs).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/http/router.hpp"

namespace boost::asio {
class io_context;
}

namespace turnkeeper::http {

// Whoever is slow, silent or greedy loses his connection and nobody else does: when all connections are taken, the one
// that has been idle longest between two requests makes room.
struct Limits {
  std::size_t header_bytes = 8 * 1024;                // more, or more than 100 fields: 431
  std::size_t body_bytes = 64 * 1024;                 // more: 413
  std::size_t connections = 1024;                     // at once; more, and none is idle: 503
  std::size_t connections_per_address = 0;            // more: 503; 0: no limit. One on a unix socket counts as "unix"
  std::chrono::milliseconds request_timeout{10'000};  // from a request's first byte (or the connect) to its last
  std::chrono::milliseconds idle_timeout{60'000};     // between two requests of one connection
  std::chrono::milliseconds write_timeout{20'000};    // for one response, or one event
  std::chrono::milliseconds heartbeat{15'000};        // between two comments on an event stream
  std::chrono::milliseconds certificate_check{10'000};
};

// PEM: the certificate with those that signed it, and its key. Read again when they change on disk; connections that
// there are keep what they began with.
struct TlsFiles {
  std::string certificate;
  std::string key;
};

class Server {
 public:
  // `address`: "127.0.0.1:8480", "[::1]:8480", "0.0.0.0:0" (port 0: the kernel chooses), "localhost:8480",
  // "*:8480" (all addresses of both families) or "unix:/run/x.sock". Host names are not resolved. A unix socket is made
  // with mode 0600; one that nobody listens on any more is replaced. Errors: the address is malformed, in use, or not
  // allowed; the certificate cannot be used.
  [[nodiscard]] static Result<std::unique_ptr<Server>> listen(boost::asio::io_context& io, const std::string& address,
                                                              Router router, Limits limits = {},
                                                              std::optional<TlsFiles> tls = {});
  // As stop(), and cuts what is still being written.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Where it listens, with the port that the kernel chose.
  [[nodiscard]] const std::string& address() const;
  [[nodiscard]] std::uint16_t port() const;  // 0 for a unix socket
  // Accepts no more and closes what is idle, waiting for its answer, or an event stream; a response that is being
  // written is finished first, within a second. A unix socket's file is removed.
  void stop();

 private:
  class Impl;
  explicit Server(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace turnkeeper::http
