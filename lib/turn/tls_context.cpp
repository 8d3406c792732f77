#include "turnkeeper/turn/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>

#include "turnkeeper/base/owned.hpp"
#include "turnkeeper/turn/tls_engine.hpp"

namespace turnkeeper::turn {
namespace {

constexpr std::size_t most_sessions = 4096;
constexpr std::chrono::minutes longest_resumption{10};
constexpr std::array<unsigned char, 10> alpn{9, 's', 't', 'u', 'n', '.', 't', 'u', 'r', 'n'};

std::string openssl_reason() {
  const auto code = ERR_peek_error();
  // A system call's error has no text of OpenSSL's own.
  if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown error";
}

Result<SslPtr<SSL_CTX>> make_context(const SSL_METHOD* method, int oldest, const TlsOptions& options) {
  ERR_clear_error();
  SslPtr<SSL_CTX> context(SSL_CTX_new(method));
  if (!context) return fail("no TLS context: " + openssl_reason());
  SSL_CTX_set_min_proto_version(context.get(), oldest);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU);
  // Buffers only while a record is under way: a standing connection costs 34 KiB less.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_protos(context.get(), alpn.data(), alpn.size());
  if (options.resume) {
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context.get(), &TlsEngine::on_new_session);
  } else {
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  }
  if (!options.verify) {
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    return context;
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, &TlsEngine::on_verify);
  // A server's own certificate in ca_file is trust enough.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context.get()), X509_V_FLAG_PARTIAL_CHAIN);
  return context;
}

Result<> load_trust(SSL_CTX* context, const std::string& ca_file) {
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(context, ca_file.c_str()) == 1) return {};
  return fail("cannot read certificates from " + ca_file + ": " + openssl_reason(),
              "give a PEM file with the certificates to trust");
}

// A megabyte and tens of milliseconds to read: once, and not before somebody is verified by them.
X509_STORE* system_authorities() {
  static const Owned<X509_STORE, X509_STORE_free> store = [] {
    Owned<X509_STORE, X509_STORE_free> made(X509_STORE_new());
    X509_STORE_set_default_paths(made.get());
    ERR_clear_error();
    return made;
  }();
  return store.get();
}

SystemTime to_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

std::string to_text(const X509_NAME* name) {
  const Owned<BIO, BIO_free> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(std::min<long>(size, 256))};
}

std::string to_text(const ASN1_INTEGER* serial) {
  const Owned<BIGNUM, BN_free> number(ASN1_INTEGER_to_BN(serial, nullptr));
  if (!number) return {};
  const std::unique_ptr<char, void (*)(char*)> text(BN_bn2hex(number.get()), [](char* hex) { OPENSSL_free(hex); });
  auto serial_text = std::string(text.get()).substr(0, 64);
  for (char& c : serial_text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return serial_text;
}

std::vector<std::string> alternative_names(const X509* certificate) {
  constexpr int most = 64;
  std::vector<std::string> names;
  const Owned<GENERAL_NAMES, GENERAL_NAMES_free> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; all && i < std::min(sk_GENERAL_NAME_num(all.get()), most); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    const auto bytes = [](const ASN1_STRING* string) {
      return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
                         static_cast<std::size_t>(std::min(ASN1_STRING_length(string), 255)));
    };
    if (name->type == GEN_DNS) names.push_back(bytes(name->d.dNSName));
    if (name->type == GEN_IPADD) {
      const std::string ip = bytes(name->d.iPAddress);
      const auto octets = [&]<std::size_t n>(std::array<std::uint8_t, n> out) {
        std::copy(ip.begin(), ip.end(), out.begin());
        return SocketAddress(out, 0).ip_string();
      };
      if (ip.size() == 4) names.push_back(octets(std::array<std::uint8_t, 4>{}));
      if (ip.size() == 16) names.push_back(octets(std::array<std::uint8_t, 16>{}));
    }
  }
  return names;
}

}  // namespace

PeerCertificate describe(const X509* certificate) {
  return {.not_before = to_time(X509_get0_notBefore(certificate)),
          .not_after = to_time(X509_get0_notAfter(certificate)),
          .subject = to_text(X509_get_subject_name(certificate)),
          .issuer = to_text(X509_get_issuer_name(certificate)),
          .serial = to_text(X509_get0_serialNumber(certificate)),
          .names = alternative_names(certificate)};
}

Result<std::shared_ptr<TlsContext>> make_tls_context(const TlsOptions& options) {
  auto tls = make_context(TLS_client_method(), TLS1_2_VERSION, options);
  if (!tls) return fail(tls.error());
  auto dtls = make_context(DTLS_client_method(), DTLS1_2_VERSION, options);
  if (!dtls) return fail(dtls.error());
  if (options.verify && !options.ca_file.empty()) {
    if (auto loaded = load_trust(tls->get(), options.ca_file); !loaded) return fail(loaded.error());
    SSL_CTX_set1_cert_store(dtls->get(), SSL_CTX_get_cert_store(tls->get()));
  }
  return std::make_shared<TlsContext>(std::move(*tls), std::move(*dtls), options);
}

TlsContext::TlsContext(SslPtr<SSL_CTX> tls, SslPtr<SSL_CTX> dtls, const TlsOptions& options)
    : tls_(std::move(tls)), dtls_(std::move(dtls)), options_(options) {}

SSL_CTX* TlsContext::tls() const {
  trust_the_system();
  return tls_.get();
}

SSL_CTX* TlsContext::dtls() const {
  trust_the_system();
  return dtls_.get();
}

void TlsContext::trust_the_system() const {
  if (!options_.verify || !options_.ca_file.empty()) return;
  std::call_once(trusts_, [this] {
    SSL_CTX_set1_cert_store(tls_.get(), system_authorities());
    SSL_CTX_set1_cert_store(dtls_.get(), system_authorities());
  });
}

SslPtr<SSL_SESSION> TlsContext::session(const std::string& server, const Clock& clock) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(server);
  if (found == sessions_.end() || clock.steady() - found->second.verified > longest_resumption) return nullptr;
  SSL_SESSION* session = found->second.session.get();
  const X509* certificate = SSL_SESSION_get0_peer(session);
  if (certificate == nullptr || to_time(X509_get0_notAfter(certificate)) <= clock.system()) return nullptr;
  SSL_SESSION_up_ref(session);
  return SslPtr<SSL_SESSION>(session);
}

void TlsContext::keep(const std::string& server, SslPtr<SSL_SESSION> session, bool resumed, const Clock& clock) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(server);
  // A resumed handshake gives a new ticket, but shows no certificate.
  if (found != sessions_.end()) {
    if (!resumed) found->second.verified = clock.steady();
    found->second.session = std::move(session);
    return;
  }
  if (resumed) return;
  if (sessions_.size() >= most_sessions) sessions_.erase(sessions_.begin());
  sessions_.emplace(server, Kept{std::move(session), clock.steady()});
}

void TlsContext::forget(const std::string& server) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(server);
}

}  // namespace turnkeeper::turn
