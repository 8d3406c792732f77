#include "turnkeeper/kube/connection.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
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

// Asio's streams and resolvers want one; nothing ever runs there.
asio::io_context& nowhere() {
  static asio::io_context context;
  return context;
}

template <class Message>
void read_fields(const Message& message, Response& response) {
  response.status = static_cast<int>(message.result_int());
  if (const auto seconds = message[http::field::retry_after]; !seconds.empty()) {
    response.retry_after = std::chrono::seconds(std::strtoul(std::string(seconds).c_str(), nullptr, 10));
  }
}

bool is_address(const std::string& host) {
  boost::system::error_code no;
  asio::ip::make_address(host, no);
  return !no;
}

}  // namespace

Connection::Connection() : socket_(nowhere().get_executor()) {}

template <class Use>
void Connection::with_stream(Use use) {
  if (tls_) {
    use(*tls_);
  } else {
    use(socket_);
  }
}

Connection::error_code Connection::connect(const ServerAddress& server, asio::ssl::context* tls) {
  error_code error;
  const auto endpoints = tcp::resolver(nowhere()).resolve(server.host, server.port, error);
  if (error) return error;
  error = asio::error::host_not_found;
  for (const auto& endpoint : endpoints) {
    error = socket_.connect(endpoint.endpoint());
    if (!error || error == asio::error::timed_out) break;
  }
  if (error) return error;
  if (tls == nullptr) return {};
  tls_.emplace(socket_, *tls);
  if (!is_address(server.host)) SSL_set_tlsext_host_name(tls_->native_handle(), server.host.c_str());
  tls_->set_verify_callback(asio::ssl::host_name_verification(server.host), error);
  if (!error) tls_->handshake(asio::ssl::stream_base::client, error);
  return error;
}

Connection::error_code Connection::write(const ServerAddress& server, const Request& request, const Secret& token) {
  http::request<http::span_body<const char>> message;
  message.version(11);
  message.method_string(request.method);
  message.target(server.prefix + request.path);
  message.set(http::field::host, server.authority());
  message.set(http::field::user_agent, "turnkeeper");
  message.set(http::field::accept, request.accept);
  if (!token.empty()) message.set(http::field::authorization, "Bearer " + token.reveal());
  if (!request.body.empty()) {
    message.set(http::field::content_type, request.content_type);
    message.body() = {request.body.data(), request.body.size()};
    message.prepare_payload();
  }
  reusable_ = false;
  error_code error;
  with_stream([&](auto& stream) { http::write(stream, message, error); });
  return error;
}

Connection::error_code Connection::read(Response& response) {
  http::response_parser<http::string_body> parser;
  parser.body_limit(longest_body);
  error_code error;
  with_stream([&](auto& stream) { http::read(stream, buffer_, parser, error); });
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
  with_stream([&](auto& stream) { http::read_header(stream, buffer_, *streamed_, error); });
  if (!error) read_fields(streamed_->get(), response);
  return error;
}

Connection::error_code Connection::read_some(std::string& bytes) {
  bytes.resize(piece);
  while (!streamed_->is_done()) {
    auto& body = streamed_->get().body();
    body.data = bytes.data();
    body.size = bytes.size();
    error_code error;
    with_stream([&](auto& stream) { http::read_some(stream, buffer_, *streamed_, error); });
    const std::size_t count = bytes.size() - body.size;
    if (count > 0) {
      bytes.resize(count);
      return {};
    }
    if (error && error != http::error::need_buffer) {
      bytes.clear();
      return error;
    }
  }
  bytes.clear();
  return {};
}

}  // namespace turnkeeper::kube
