#include "turnkeeper/kube/connection.hpp"

#include <utility>
// Asio 1.74 uses std::exchange in its headers without including this.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>
#include <limits>

namespace turnkeeper::kube {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

// A page of 500 objects stays far below this.
constexpr std::uint64_t longest_body = 256U << 20U;
constexpr std::size_t piece = 16U << 10U;  // a TLS record

template <class Message>
void read_fields(const Message& message, Response& response) {
  response.status = static_cast<int>(message.result_int());
  if (const auto seconds = message[http::field::retry_after]; !seconds.empty()) {
    response.retry_after = std::chrono::seconds(std::strtoul(std::string(seconds).c_str(), nullptr, 10));
  }
}

std::string text_of(const ServerAddress& server, const Request& request, const Secret& token) {
  std::string text = request.method + ' ' + server.prefix + request.path + " HTTP/1.1\r\nHost: " + server.authority() +
                     "\r\nUser-Agent: turnkeeper\r\nAccept: " + request.accept + "\r\n";
  if (!token.empty()) text += "Authorization: Bearer " + token.reveal() + "\r\n";
  if (!request.body.empty()) {
    text +=
        "Content-Type: " + request.content_type + "\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  text += "\r\n";
  text += request.body;
  return text;
}

}  // namespace

// What Beast reads from: its concept SyncReadStream.
class Connection::Bytes {
 public:
  explicit Bytes(Connection& connection) : connection_(connection) {}

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& error) {
    const asio::mutable_buffer first = *asio::buffer_sequence_begin(buffers);
    if (connection_.tls_) return connection_.tls_->read(first.data(), first.size(), error);
    return connection_.socket_.receive(first.data(), first.size(), error);
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    error_code error;
    const auto count = read_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return count;
  }

 private:
  Connection& connection_;
};

Connection::error_code Connection::connect(const ServerAddress& server, SSL_CTX* tls) {
  asio::io_context nowhere;  // a resolver wants one; nothing ever runs there
  error_code error;
  const auto endpoints = tcp::resolver(nowhere).resolve(server.host, server.port, error);
  if (error) return error;
  error = asio::error::host_not_found;
  for (const auto& endpoint : endpoints) {
    error = socket_.connect(endpoint.endpoint());
    if (!error || error == asio::error::timed_out) break;
  }
  if (error) return error;
  buffer_.reserve(piece);  // Beast reads as much as there is room for, and as little as 512 bytes
  if (tls == nullptr) return {};
  return tls_.emplace(socket_).handshake(tls, server.host);
}

Connection::error_code Connection::write(const ServerAddress& server, const Request& request, const Secret& token) {
  reusable_ = false;
  const std::string text = text_of(server, request, token);
  if (tls_) return tls_->write(text.data(), text.size());
  error_code error;
  for (std::string_view rest = text; !rest.empty() && !error;) {
    rest.remove_prefix(socket_.send(rest.data(), rest.size(), error));
  }
  return error;
}

Connection::error_code Connection::read(Response& response) {
  http::response_parser<http::string_body> parser;
  parser.body_limit(longest_body);
  error_code error;
  Bytes bytes(*this);
  http::read(bytes, buffer_, parser, error);
  if (error) return error;
  read_fields(parser.get(), response);
  reusable_ = parser.keep_alive();
  response.body = std::move(parser.get().body());
  return {};
}

Connection::error_code Connection::read_head(Response& response) {
  streamed_.emplace();
  streamed_->body_limit(std::numeric_limits<std::uint64_t>::max());
  error_code error;
  Bytes bytes(*this);
  http::read_header(bytes, buffer_, *streamed_, error);
  if (!error) read_fields(streamed_->get(), response);
  return error;
}

Connection::error_code Connection::read_some(std::string& bytes) {
  Bytes source(*this);
  bytes.clear();
  if (!piece_) piece_ = std::make_unique_for_overwrite<char[]>(piece);
  while (!streamed_->is_done()) {
    auto& body = streamed_->get().body();
    body.data = piece_.get();
    body.size = piece;
    error_code error;
    http::read_some(source, buffer_, *streamed_, error);
    if (body.size < piece) {
      bytes.assign(piece_.get(), piece - body.size);
      return {};
    }
    if (error && error != http::error::need_buffer) return error;
  }
  return {};
}

}  // namespace turnkeeper::kube
