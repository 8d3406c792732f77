// The client's side of TLS over a BlockingSocket, by OpenSSL itself: records go from the socket into its buffers and
// from there to who reads, and an idle one keeps none. Used by one thread at a time.
#pragma once

#include <openssl/ssl.h>

#include <string>

#include "turnkeeper/base/owned.hpp"
#include "turnkeeper/kube/blocking_socket.hpp"

namespace turnkeeper::kube {

class TlsStream {
 public:
  using error_code = BlockingSocket::error_code;

  // `socket` must outlive it, and stay where it is.
  explicit TlsStream(BlockingSocket& socket) : socket_(socket) {}
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // `host`: whose certificate it has to be, a name or an address; `context` says whether that is checked.
  [[nodiscard]] error_code handshake(SSL_CTX* context, const std::string& host);
  // At least a byte, or 0 and an error: those of the socket, eof at the proper end, or one of OpenSSL's.
  std::size_t read(void* data, std::size_t size, error_code& error);
  // All of it, or an error.
  [[nodiscard]] error_code write(const void* data, std::size_t size);

 private:
  static const BIO_METHOD* method();
  static int on_read(BIO* bio, char* data, int size);
  static int on_write(BIO* bio, const char* data, int size);
  [[nodiscard]] error_code why(int result);

  BlockingSocket& socket_;
  error_code socket_error_;
  Owned<SSL, SSL_free> ssl_;
};

}  // namespace turnkeeper::kube
