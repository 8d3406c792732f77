#include "turnkeeper/turn/tls_engine.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace turnkeeper::turn {
namespace {

// What fits a path of the smallest IPv6 MTU, headers off.
constexpr int handshake_datagram = 1200;
constexpr std::size_t largest_record = 16384;

unsigned dtls_timer(SSL*, unsigned last_us) {
  constexpr unsigned first = 250'000;  // RFC 6347 section 4.2.4.1 allows less than its 1 s where time matters
  constexpr unsigned longest = 8'000'000;
  return last_us == 0 ? first : std::min(last_us * 2, longest);
}

bool is_address(const std::string& name) {
  return SocketAddress::from_ip(name, 0).has_value();
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) {
    if (text.size() > 200) return text + ", ...";
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text;
}

}  // namespace

// OpenSSL's side of the pipe: one BIO for both directions, since its memory BIOs forget where datagrams end.
const BIO_METHOD* TlsEngine::pipe_method() {
  const auto pipe_of = [](BIO* bio) { return static_cast<Pipe*>(BIO_get_data(bio)); };
  static const auto of = pipe_of;
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "turn pipe");
    BIO_meth_set_create(made, [](BIO* bio) {
      BIO_set_init(bio, 1);
      return 1;
    });
    BIO_meth_set_read(made, [](BIO* bio, char* out, int size) {
      Pipe& pipe = *of(bio);
      BIO_clear_retry_flags(bio);
      const std::size_t left = pipe.input.size() - pipe.read;
      if (left == 0) {
        BIO_set_retry_read(bio);
        return -1;
      }
      const std::size_t taken = std::min(left, static_cast<std::size_t>(size));
      std::memcpy(out, pipe.input.data() + pipe.read, taken);
      pipe.read += pipe.datagrams ? left : taken;
      return static_cast<int>(taken);
    });
    BIO_meth_set_write(made, [](BIO* bio, const char* bytes, int size) {
      BIO_clear_retry_flags(bio);
      of(bio)->output(Bytes(reinterpret_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(size)));
      return size;
    });
    BIO_meth_set_ctrl(made, [](BIO*, int command, long, void*) -> long {
      switch (command) {
        case BIO_CTRL_FLUSH:
          return 1;
        case BIO_CTRL_DGRAM_QUERY_MTU:
        case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
          return handshake_datagram;
        default:
          return 0;
      }
    });
    return made;
  }();
  return method;
}

TlsEngine::TlsEngine(std::shared_ptr<TlsContext> context, Options options, std::function<void(Bytes)> output)
    : context_(std::move(context)), options_(std::move(options)) {
  // The root's dot is for DNS, not for certificates.
  if (options_.server_name.ends_with('.')) options_.server_name.pop_back();
  pipe_.datagrams = options_.datagrams;
  pipe_.output = std::move(output);
  ssl_.reset(SSL_new(options_.datagrams ? context_->dtls() : context_->tls()));
  BIO* bio = BIO_new(pipe_method());
  BIO_set_data(bio, &pipe_);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_connect_state(ssl_.get());
  if (options_.datagrams) {
    DTLS_set_timer_cb(ssl_.get(), &dtls_timer);
    SSL_set_mtu(ssl_.get(), handshake_datagram);
  }

  X509_VERIFY_PARAM* verify = SSL_get0_param(ssl_.get());
  X509_VERIFY_PARAM_set_time(verify, unix_seconds(options_.clock->system()));
  if (is_address(options_.server_name)) {
    X509_VERIFY_PARAM_set1_ip_asc(verify, options_.server_name.c_str());
  } else {
    X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(verify, options_.server_name.data(), options_.server_name.size());
    SSL_set_tlsext_host_name(ssl_.get(), options_.server_name.c_str());
  }
  if (const auto session = context_->session(options_.session_key, *options_.clock)) {
    offered_session_ = SSL_set_session(ssl_.get(), session.get()) == 1;
  }
}

int TlsEngine::on_new_session(SSL* ssl, SSL_SESSION* session) {
  const auto* self = static_cast<TlsEngine*>(SSL_get_app_data(ssl));
  if (SSL_SESSION_is_resumable(session) != 1) return 0;
  self->context_->keep(self->options_.session_key, SslPtr<SSL_SESSION>(session), SSL_session_reused(ssl) == 1,
                       *self->options_.clock);
  return 1;
}

int TlsEngine::on_verify(int good, X509_STORE_CTX* store) {
  if (good == 1) return 1;
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* self = static_cast<TlsEngine*>(SSL_get_app_data(ssl));
  self->verify_error_ = X509_STORE_CTX_get_error(store);
  if (const X509* certificate = X509_STORE_CTX_get0_cert(store)) self->rejected_ = turn::describe(certificate);
  if (const X509* certificate = X509_STORE_CTX_get_current_cert(store)) self->blamed_ = turn::describe(certificate);
  return 0;
}

void TlsEngine::input(Bytes received) {
  if (options_.datagrams || pipe_.read == pipe_.input.size()) {
    pipe_.input.clear();
  } else {
    pipe_.input.erase(pipe_.input.begin(), pipe_.input.begin() + static_cast<std::ptrdiff_t>(pipe_.read));
  }
  pipe_.read = 0;
  pipe_.input.insert(pipe_.input.end(), received.begin(), received.end());
}

TlsEngine::Handshake TlsEngine::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return Handshake::done;
  if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return Handshake::unfinished;
  if (offered_session_) context_->forget(options_.session_key);
  return Handshake::failed;
}

ConnectFailure TlsEngine::failure() {
  using Kind = ConnectFailure::Kind;
  ConnectFailure failure{.kind = Kind::tls_handshake, .in_tls = true, .certificate = rejected_};
  if (verify_error_ == X509_V_OK) {
    const auto code = ERR_peek_error();
    const char* reason = ERR_reason_error_string(code);
    failure.detail = std::string("TLS handshake: ") + (reason != nullptr ? reason : "ended by the server");
    const int why = ERR_GET_REASON(code);
    if (why == SSL_R_WRONG_VERSION_NUMBER || why == SSL_R_HTTP_REQUEST) failure.detail += ": not a TLS server?";
    return failure;
  }
  const std::string subject = blamed_ ? printable(blamed_->subject) : "the server";
  switch (verify_error_) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: {
      failure.kind = Kind::certificate_expired;
      const bool expired = verify_error_ == X509_V_ERR_CERT_HAS_EXPIRED;
      failure.detail = "the certificate of " + subject + (expired ? " expired " : " is not valid before ");
      if (blamed_) failure.detail += rfc3339(expired ? blamed_->not_after : blamed_->not_before);
      break;
    }
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      failure.kind = Kind::certificate_name;
      failure.detail = "the certificate is not for " + options_.server_name;
      if (rejected_ && !rejected_->names.empty()) failure.detail += " but for " + printable(joined(rejected_->names));
      break;
    default:
      failure.kind = Kind::certificate_untrusted;
      failure.detail = "the certificate of " + subject + ": " + X509_verify_cert_error_string(verify_error_);
  }
  return failure;
}

void TlsEngine::describe(Connection& connection) const {
  if (const X509* certificate = SSL_get0_peer_certificate(ssl_.get())) {
    connection.certificate = turn::describe(certificate);
  }
  connection.resumed = SSL_session_reused(ssl_.get()) == 1;
  connection.tls_version = SSL_get_version(ssl_.get());
  const unsigned char* alpn = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &alpn, &size);
  if (alpn != nullptr) connection.alpn.assign(reinterpret_cast<const char*>(alpn), size);
}

std::optional<std::chrono::nanoseconds> TlsEngine::next_retransmission() const {
  timeval left{};
  if (DTLSv1_get_timeout(ssl_.get(), &left) != 1) return std::nullopt;
  return std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
}

void TlsEngine::on_time() {
  DTLSv1_handle_timeout(ssl_.get());
}

std::optional<Bytes> TlsEngine::read() {
  static thread_local std::array<std::uint8_t, largest_record> plaintext;
  if (ended_) return std::nullopt;
  ERR_clear_error();
  const int size = SSL_read(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size()));
  if (size > 0) return Bytes(plaintext).first(static_cast<std::size_t>(size));
  ended_ = SSL_get_error(ssl_.get(), size) != SSL_ERROR_WANT_READ;
  return std::nullopt;
}

void TlsEngine::write(Bytes plaintext) {
  if (ended_ || plaintext.empty()) return;
  ERR_clear_error();
  SSL_write(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size()));
}

void TlsEngine::close() {
  if (ended_ || SSL_in_init(ssl_.get()) == 1) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

}  // namespace turnkeeper::turn
