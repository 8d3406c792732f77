#include "turnkeeper/turn/stream_transport.hpp"

#include <boost/asio/post.hpp>

#include "turnkeeper/turn/channel_data.hpp"
#include "turnkeeper/turn/socket_endpoint.hpp"
#include "turnkeeper/turn/stream_framer.hpp"

namespace turnkeeper::turn {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Media that has waited for this much is late anyway.
constexpr std::size_t most_backlog_for_data = 64 * 1024;

// Outlives the transport while a callback runs.
struct Link : std::enable_shared_from_this<Link> {
  explicit Link(tcp::socket connected) : executor(connected.get_executor()) {
    stream = std::make_unique<ByteStream>(std::move(connected));
  }

  void open(void (Link::*on_bytes)(Bytes), void (Link::*on_end)(const PathFailure&)) {
    const auto weak = weak_from_this();
    stream->start({.on_bytes =
                       [weak, on_bytes](Bytes bytes) {
                         if (const auto self = weak.lock()) ((*self).*on_bytes)(bytes);
                       },
                   .on_end =
                       [weak, on_end](const PathFailure& failure) {
                         if (const auto self = weak.lock()) ((*self).*on_end)(failure);
                       }});
  }

  void on_handshake_bytes(Bytes bytes) {
    tls->input(bytes);
    advance_handshake();
  }
  void on_handshake_end(const PathFailure& failure) {
    if (stream) std::exchange(handshake, {}).on_failed(to_connect_failure(failure, true));
  }
  void advance_handshake() {
    switch (tls->handshake()) {
      case TlsEngine::Handshake::unfinished:
        return;
      case TlsEngine::Handshake::failed:
        stream->stop();
        return std::exchange(handshake, {}).on_failed(tls->failure());
      case TlsEngine::Handshake::done:
        stream->stop();
        return std::exchange(handshake, {}).on_done();
    }
  }

  void start() {
    open(&Link::on_bytes, &Link::on_end);
    // What came together with the end of the handshake.
    if (tls) {
      asio::post(executor, [self = shared_from_this()] {
        if (self->stream) self->read_tls();
      });
    }
  }

  void on_bytes(Bytes bytes) {
    if (tls) {
      tls->input(bytes);
      return read_tls();
    }
    framer.push(bytes);
    deliver();
  }
  void read_tls() {
    while (const auto plaintext = tls->read()) {
      framer.push(*plaintext);
      deliver();
      if (!stream) return;
    }
    if (tls->ended()) on_end({PathFailure::Kind::closed, "the server ended the TLS connection"});
  }
  void deliver() {
    while (const auto message = framer.next()) {
      const auto current = receiver;
      current->on_message(*message);
      if (!stream) return;
    }
    if (framer.broken()) on_end({PathFailure::Kind::closed, "the server sends something else than TURN"});
  }
  void on_end(const PathFailure& failure) {
    if (!stream) return;
    const auto current = receiver;
    close();
    current->on_unreachable(failure);
  }

  void send(Bytes message) {
    if (!stream || message.empty()) return;
    const bool data = message.front() >= first_channel >> 8;
    if (data && stream->backlog() > most_backlog_for_data) return;
    if (const std::size_t padding = (4 - message.size() % 4) % 4; padding != 0) {
      padded.assign(message.begin(), message.end());
      padded.resize(message.size() + padding);
      message = padded;
    }
    tls ? tls->write(message) : stream->send(message);
  }

  void close() {
    if (!stream) return;
    if (tls) tls->close();
    stream.reset();
  }

  asio::any_io_executor executor;
  std::unique_ptr<ByteStream> stream;  // nothing: closed
  std::unique_ptr<TlsEngine> tls;
  SecureTransport::Handlers handshake;
  std::shared_ptr<const Transport::Receiver> receiver;
  StreamFramer framer;
  std::vector<std::uint8_t> padded;
};

class StreamTransport final : public SecureTransport {
 public:
  StreamTransport(tcp::socket connected, const SocketAddress& server) : server_(server) {
    boost::system::error_code ignored;
    local_ = from_socket_endpoint(connected.local_endpoint(ignored));
    link_ = std::make_shared<Link>(std::move(connected));
  }
  ~StreamTransport() override { link_->close(); }
  StreamTransport(const StreamTransport&) = delete;
  StreamTransport& operator=(const StreamTransport&) = delete;

  void secure(std::shared_ptr<TlsContext> context, TlsEngine::Options options) {
    link_->tls = std::make_unique<TlsEngine>(std::move(context), std::move(options), [link = link_.get()](Bytes out) {
      if (link->stream) link->stream->send(out);
    });
  }
  void handshake(Handlers handlers) override {
    link_->handshake = std::move(handlers);
    link_->open(&Link::on_handshake_bytes, &Link::on_handshake_end);
    link_->advance_handshake();
  }
  void describe(Connection& connection) const override { link_->tls->describe(connection); }

  void start(Receiver receiver) override {
    link_->receiver = std::make_shared<const Receiver>(std::move(receiver));
    link_->start();
  }
  void send(Bytes message) override { link_->send(message); }
  bool reliable() const override { return true; }
  SocketAddress local() const override { return local_; }
  SocketAddress server() const override { return server_; }

 private:
  std::shared_ptr<Link> link_;
  SocketAddress server_;
  SocketAddress local_;
};

}  // namespace

std::unique_ptr<Transport> make_tcp_transport(tcp::socket connected, const SocketAddress& server) {
  return std::make_unique<StreamTransport>(std::move(connected), server);
}

std::unique_ptr<SecureTransport> make_tls_transport(tcp::socket connected, const SocketAddress& server,
                                                    std::shared_ptr<TlsContext> context, TlsEngine::Options options) {
  auto transport = std::make_unique<StreamTransport>(std::move(connected), server);
  transport->secure(std::move(context), std::move(options));
  return transport;
}

}  // namespace turnkeeper::turn
