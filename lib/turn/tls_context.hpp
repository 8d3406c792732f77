// What is behind tls.hpp's TlsContext: OpenSSL's contexts and the sessions to resume. For this folder only.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "turnkeeper/turn/tls.hpp"

namespace turnkeeper::turn {

struct SslFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
template <class T>
using SslPtr = std::unique_ptr<T, SslFree>;

class TlsContext {
 public:
  TlsContext(SslPtr<SSL_CTX> tls, SslPtr<SSL_CTX> dtls, const TlsOptions& options);

  // Thread-safe.
  [[nodiscard]] SSL_CTX* tls() const;
  [[nodiscard]] SSL_CTX* dtls() const;
  [[nodiscard]] bool verifies() const { return options_.verify; }

  // Sessions by server. Nothing for one that is too old, or whose certificate has expired since. Thread-safe.
  [[nodiscard]] SslPtr<SSL_SESSION> session(const std::string& server, const Clock& clock) const;
  void keep(const std::string& server, SslPtr<SSL_SESSION> session, bool resumed, const Clock& clock);
  void forget(const std::string& server);

 private:
  struct Kept {
    SslPtr<SSL_SESSION> session;
    SteadyTime verified;  // when the certificate was last looked at
  };

  void trust_the_system() const;

  SslPtr<SSL_CTX> tls_;
  SslPtr<SSL_CTX> dtls_;
  TlsOptions options_;
  mutable std::once_flag trusts_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Kept> sessions_;
};

// What PeerCertificate says of it.
[[nodiscard]] PeerCertificate describe(const X509* certificate);

}  // namespace turnkeeper::turn
