// One TLS or DTLS connection of a client without its socket: what came from the server goes in, what is to be sent
// comes out through a function, plaintext is read and written between. For this folder only.
//
//   TlsEngine engine(context, {.server_name = "turn.example.org", ...}, [&](Bytes out) { socket.send(out); });
//   engine.handshake();                                   // sends the first flight
//   engine.input(received); engine.handshake();           // until it is done or failed
//   engine.write(message);
//   engine.input(received); while (auto plaintext = engine.read()) use(*plaintext);
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/turn/connect.hpp"
#include "turnkeeper/turn/message.hpp"
#include "turnkeeper/turn/tls_context.hpp"

namespace turnkeeper::turn {

class TlsEngine {
 public:
  struct Options {
    bool datagrams = false;   // DTLS: each input() and each output is one datagram
    std::string server_name;  // a DNS name or a literal address
    std::string session_key;  // what tells servers apart that must not share a session
    const Clock* clock = &real_clock();
  };

  TlsEngine(std::shared_ptr<TlsContext> context, Options options, std::function<void(Bytes)> output);
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;

  void input(Bytes received);

  enum class Handshake { unfinished, done, failed };
  [[nodiscard]] Handshake handshake();
  // What the handshake failed of; times are the caller's.
  [[nodiscard]] ConnectFailure failure();
  // Fills in what Connection says of TLS.
  void describe(Connection& connection) const;

  // When a datagram of the handshake may have got lost; on_time() then sends it again.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> next_retransmission() const;
  void on_time();

  // The next piece of plaintext, valid until the next call of any engine on this thread.
  [[nodiscard]] std::optional<Bytes> read();
  // By the server's close_notify, or because of something that is no TLS.
  [[nodiscard]] bool ended() const { return ended_; }
  void write(Bytes plaintext);
  // Sends close_notify.
  void close();

  // What OpenSSL calls: for TlsContext.
  static int on_new_session(SSL* ssl, SSL_SESSION* session);
  static int on_verify(int good, X509_STORE_CTX* store);

 private:
  struct Pipe {
    std::vector<std::uint8_t> input;
    std::size_t read = 0;  // of the input
    bool datagrams = false;
    std::function<void(Bytes)> output;
  };
  static const BIO_METHOD* pipe_method();

  std::shared_ptr<TlsContext> context_;
  Options options_;
  Pipe pipe_;
  SslPtr<SSL> ssl_;
  bool offered_session_ = false;
  bool ended_ = false;
  int verify_error_ = X509_V_OK;
  std::optional<PeerCertificate> rejected_;  // the server's
  std::optional<PeerCertificate> blamed_;    // the one that verify_error_ is about: it, or one above it
};

}  // namespace turnkeeper::turn
