// TLS on accepted connections, and a certificate that is renewed on disk. Private to lib/http.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/http/server.hpp"

namespace turnkeeper::http {

// What one step over a socket that never blocks has come to.
enum class Io { done, wait_read, wait_write, closed };

// One connection's. Closing sends close_notify if it fits; the descriptor is the caller's.
class TlsSession {
 public:
  TlsSession(SSL_CTX& context, int fd);

  [[nodiscard]] Io handshake();
  [[nodiscard]] Io read(std::span<char> into, std::size_t& count);
  [[nodiscard]] Io write(std::string_view bytes, std::size_t& count);
  void close_notify();

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  [[nodiscard]] Io outcome(int result) const;
  std::unique_ptr<SSL, Free> ssl_;
};

// The server's certificate and key. At least TLS 1.2.
class TlsCertificate {
 public:
  [[nodiscard]] static Result<std::unique_ptr<TlsCertificate>> load(const TlsFiles& files);

  // Reads the files again when they have changed. While they do not fit together the old ones serve on, and the log
  // says so once for each change.
  void refresh();
  // For new connections; those that there are keep what they began with.
  [[nodiscard]] SSL_CTX& context() const { return *context_; }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  using Context = std::unique_ptr<SSL_CTX, Free>;

  TlsCertificate(TlsFiles files, Context context, std::string stamp);
  [[nodiscard]] static Result<Context> read(const TlsFiles& files);

  TlsFiles files_;
  Context context_;
  std::string stamp_;  // of the files as they were read last
};

}  // namespace turnkeeper::http
