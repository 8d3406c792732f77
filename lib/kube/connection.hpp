// One HTTP/1.1 connection to an API server, in plain text or under TLS; Boost.Beast reads the answers. It blocks the
// thread that uses it and has no other: a request costs its system calls and little more. Used by one thread at a time;
// interrupt() is for any.
#pragma once

#include <openssl/ssl.h>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <optional>
#include <string>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/kube/blocking_socket.hpp"
#include "turnkeeper/kube/server_address.hpp"
#include "turnkeeper/kube/tls_stream.hpp"
#include "turnkeeper/kube/transport.hpp"

namespace turnkeeper::kube {

class Connection {
 public:
  using error_code = boost::system::error_code;

  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // From here on every step ends by `until`, with timed_out; the connection is of no use then.
  void set_deadline(SteadyTime until) { socket_.set_deadline(until); }
  // Resolving a name is the one step that does not heed the deadline. `tls`: null for plain text.
  [[nodiscard]] error_code connect(const ServerAddress& server, SSL_CTX* tls);
  [[nodiscard]] error_code write(const ServerAddress& server, const Request& request, const Secret& token);
  // The whole answer.
  [[nodiscard]] error_code read(Response& response);
  // Only its head. read_some() follows: bytes of the body as they come; empty at its proper end.
  [[nodiscard]] error_code read_head(Response& response);
  [[nodiscard]] error_code read_some(std::string& bytes);

  // The last answer was read to its end and the server keeps the connection open.
  [[nodiscard]] bool is_reusable() const { return reusable_; }
  // Nothing came meanwhile, not even an end.
  [[nodiscard]] bool is_quiet() const { return socket_.is_quiet(); }
  // Every step ends at once, now and from now on.
  void interrupt() { socket_.interrupt(); }

 private:
  class Bytes;

  BlockingSocket socket_;
  std::optional<TlsStream> tls_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::response_parser<boost::beast::http::buffer_body>> streamed_;
  std::unique_ptr<char[]> piece_;  // of that body
  bool reusable_ = false;
};

}  // namespace turnkeeper::kube
