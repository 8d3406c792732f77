#include "turnkeeper/kube/tls_stream.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

namespace turnkeeper::kube {
namespace {

namespace asio = boost::asio;

long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;  // nothing is held back
}

}  // namespace

int TlsStream::on_read(BIO* bio, char* data, int size) {
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  const auto count = self.socket_.receive(data, static_cast<std::size_t>(size), self.socket_error_);
  return self.socket_error_ ? -1 : static_cast<int>(count);
}

int TlsStream::on_write(BIO* bio, const char* data, int size) {
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  const auto count = self.socket_.send(data, static_cast<std::size_t>(size), self.socket_error_);
  return self.socket_error_ ? -1 : static_cast<int>(count);
}

// OpenSSL's own for sockets knows neither deadlines nor MSG_NOSIGNAL.
const BIO_METHOD* TlsStream::method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "BlockingSocket");
    BIO_meth_set_read(method, on_read);
    BIO_meth_set_write(method, on_write);
    BIO_meth_set_ctrl(method, control);
    return method;
  }();
  return made;
}

TlsStream::error_code TlsStream::why(int result) {
  const int kind = SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_ZERO_RETURN) return asio::error::eof;
  if (socket_error_ == asio::error::eof) return asio::ssl::error::stream_truncated;
  if (socket_error_) return socket_error_;
  if (const auto number = ERR_get_error(); number != 0) {
    return {static_cast<int>(number), asio::error::get_ssl_category()};
  }
  return asio::ssl::error::unexpected_result;
}

TlsStream::error_code TlsStream::handshake(SSL_CTX* context, const std::string& host) {
  ERR_clear_error();
  socket_error_ = {};
  ssl_.reset(SSL_new(context));
  BIO* bio = ssl_ ? BIO_new(method()) : nullptr;
  if (bio == nullptr) return asio::ssl::error::unexpected_result;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  // A record's head and body by one system call; an idle stream gives its buffers back.
  SSL_set_read_ahead(ssl_.get(), 1);
  SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), host.c_str()) != 1) {
    ERR_clear_error();  // a name, then
    SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
    SSL_set1_host(ssl_.get(), host.c_str());
  }
  const int result = SSL_connect(ssl_.get());
  return result == 1 ? error_code() : why(result);
}

std::size_t TlsStream::read(void* data, std::size_t size, error_code& error) {
  ERR_clear_error();
  socket_error_ = {};
  std::size_t count = 0;
  const int result = SSL_read_ex(ssl_.get(), data, size, &count);
  error = result == 1 ? error_code() : why(result);
  return count;
}

TlsStream::error_code TlsStream::write(const void* data, std::size_t size) {
  ERR_clear_error();
  socket_error_ = {};
  std::size_t count = 0;
  const int result = SSL_write_ex(ssl_.get(), data, size, &count);
  return result == 1 ? error_code() : why(result);
}

}  // namespace turnkeeper::kube
