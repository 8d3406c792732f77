#include "turnkeeper/http/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/http/check.hpp"

namespace turnkeeper::http {
namespace {

// OpenSSL's own writes to a socket raise SIGPIPE when the client has gone; these do not.
int fd_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int write_socket(BIO* bio, const char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(fd_of(bio), bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
  if (sent < 0 && would_block()) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int read_socket(BIO* bio, char* into, int count) {
  BIO_clear_retry_flags(bio);
  const auto got = ::recv(fd_of(bio), into, static_cast<std::size_t>(count), 0);
  if (got < 0 && would_block()) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

long control_socket(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals");
    BIO_meth_set_write(made, write_socket);
    BIO_meth_set_read(made, read_socket);
    BIO_meth_set_ctrl(made, control_socket);
    return made;
  }();
  return method;
}

std::string openssl_error() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

// Other file, other time or other length: changed. A Secret's volume changes by swapping a link.
std::string stamp_of(const TlsFiles& files) {
  std::string stamp;
  for (const auto& path : {files.certificate, files.key}) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return "";
    stamp += std::to_string(status.st_dev) + '/' + std::to_string(status.st_ino) + '/' +
             std::to_string(status.st_mtim.tv_sec) + '.' + std::to_string(status.st_mtim.tv_nsec) + '/' +
             std::to_string(status.st_size) + ' ';
  }
  return stamp;
}

int choose_http(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered, unsigned length,
                void*) {
  static constexpr unsigned char protocols[] = "\x08http/1.1";
  unsigned char* out = nullptr;
  const int found = SSL_select_next_proto(&out, size, protocols, sizeof protocols - 1, offered, length);
  *chosen = out;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

TlsSession::TlsSession(SSL_CTX& context, int fd) : ssl_(SSL_new(&context)) {
  if (!ssl_) return;
  BIO* bio = BIO_new(socket_method());
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_accept_state(ssl_.get());
}

Io TlsSession::outcome(int result) const {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Io::wait_read;
    case SSL_ERROR_WANT_WRITE:
      return Io::wait_write;
    default:
      return Io::closed;
  }
}

Io TlsSession::handshake() {
  if (!ssl_) return Io::closed;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? Io::done : outcome(result);
}

Io TlsSession::read(std::span<char> into, std::size_t& count) {
  ERR_clear_error();
  count = 0;
  const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
  return result == 1 ? Io::done : outcome(result);
}

Io TlsSession::write(std::string_view bytes, std::size_t& count) {
  ERR_clear_error();
  count = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
  return result == 1 ? Io::done : outcome(result);
}

void TlsSession::close_notify() {
  ERR_clear_error();
  if (ssl_ && SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

TlsCertificate::TlsCertificate(TlsFiles files, Context context, std::string stamp)
    : files_(std::move(files)), context_(std::move(context)), stamp_(std::move(stamp)) {}

Result<void> check_tls_files(const TlsFiles& files) {
  auto loaded = TlsCertificate::load(files);
  if (!loaded) return fail(loaded.error());
  return {};
}

Result<std::unique_ptr<TlsCertificate>> TlsCertificate::load(const TlsFiles& files) {
  auto stamp = stamp_of(files);
  auto context = read(files);
  if (!context) return fail(context.error());
  return std::unique_ptr<TlsCertificate>(new TlsCertificate(files, std::move(*context), std::move(stamp)));
}

Result<TlsCertificate::Context> TlsCertificate::read(const TlsFiles& files) {
  for (const auto& path : {files.certificate, files.key}) {
    if (auto readable = Secret::from_file(path); !readable) return fail(readable.error());
  }
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_server_method()));
  if (!context) return fail("cannot use TLS: " + openssl_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Whole answers need not fit, what is left of one may have moved, and an idle connection holds no buffers.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // Clients resume by tickets; the server remembers nobody.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_http, nullptr);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    return fail("cannot use the certificate " + files.certificate + ": " + openssl_error(),
                "give a PEM file with the server's certificate and those that signed it");
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return fail("cannot use the key " + files.key + ": " + openssl_error(),
                "give a PEM file with the key that belongs to " + files.certificate);
  }
  return context;
}

void TlsCertificate::refresh() {
  auto stamp = stamp_of(files_);
  if (stamp == stamp_) return;
  auto context = read(files_);
  stamp_ = std::move(stamp);
  if (!context) {
    log::warn("the renewed certificate cannot be used; the old one serves on", {{"error", context.error().text()}});
    return;
  }
  context_ = std::move(*context);
  log::info("serves with a renewed certificate", {{"file", files_.certificate}});
}

}  // namespace turnkeeper::http
