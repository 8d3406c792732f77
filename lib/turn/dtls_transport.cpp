#include "turnkeeper/turn/dtls_transport.hpp"

#include <boost/asio/steady_timer.hpp>

namespace turnkeeper::turn {
namespace {

// Outlives the transport while a callback runs.
struct Link : std::enable_shared_from_this<Link> {
  Link(const boost::asio::any_io_executor& executor, std::unique_ptr<Transport> datagrams_in)
      : datagrams(std::move(datagrams_in)), timer(executor) {}

  void begin() {
    const auto weak = weak_from_this();
    datagrams->start({.on_message =
                          [weak](Bytes datagram) {
                            if (const auto self = weak.lock()) self->on_datagram(datagram);
                          },
                      .on_unreachable =
                          [weak](const PathFailure& failure) {
                            if (const auto self = weak.lock()) self->on_unreachable(failure);
                          }});
    advance_handshake();
  }

  void on_datagram(Bytes datagram) {
    if (!datagrams) return;
    if (handshaking && !std::exchange(reached, true)) {
      handshake.on_reached();
      if (!datagrams) return;
    }
    tls->input(datagram);
    if (handshaking) return advance_handshake();
    while (const auto plaintext = tls->read()) {
      if (const auto current = receiver) current->on_message(*plaintext);
      if (!datagrams) return;
    }
    if (tls->ended()) on_unreachable({PathFailure::Kind::closed, "the server ended the DTLS connection"});
  }

  void on_unreachable(const PathFailure& failure) {
    if (!datagrams) return;
    if (handshaking) {
      const auto handlers = end_handshake();
      return handlers.on_failed(to_connect_failure(failure, reached));
    }
    if (const auto current = receiver) current->on_unreachable(failure);
  }

  void advance_handshake() {
    switch (tls->handshake()) {
      case TlsEngine::Handshake::unfinished:
        return arm();
      case TlsEngine::Handshake::failed:
        return end_handshake().on_failed(tls->failure());
      case TlsEngine::Handshake::done:
        return end_handshake().on_done();
    }
  }

  SecureTransport::Handlers end_handshake() {
    handshaking = false;
    timer.cancel();
    return std::exchange(handshake, {});
  }

  void arm() {
    const auto next = tls->next_retransmission();
    if (!next) return;
    timer.expires_after(*next);
    timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (error || !self || !self->datagrams || !self->handshaking) return;
      self->tls->on_time();
      self->arm();
    });
  }

  void close() {
    if (!datagrams) return;
    tls->close();
    datagrams.reset();
    timer.cancel();
  }

  std::unique_ptr<Transport> datagrams;  // nothing: closed
  std::unique_ptr<TlsEngine> tls;
  boost::asio::steady_timer timer;
  SecureTransport::Handlers handshake;
  std::shared_ptr<const Transport::Receiver> receiver;
  bool reached = false;
  bool handshaking = true;
};

class DtlsTransport final : public SecureTransport {
 public:
  DtlsTransport(const boost::asio::any_io_executor& executor, std::unique_ptr<Transport> datagrams,
                std::shared_ptr<TlsContext> context, TlsEngine::Options options)
      : server_(datagrams->server()), local_(datagrams->local()) {
    options.datagrams = true;
    link_ = std::make_shared<Link>(executor, std::move(datagrams));
    link_->tls = std::make_unique<TlsEngine>(std::move(context), std::move(options), [link = link_.get()](Bytes out) {
      if (link->datagrams) link->datagrams->send(out);
    });
  }
  ~DtlsTransport() override { link_->close(); }
  DtlsTransport(const DtlsTransport&) = delete;
  DtlsTransport& operator=(const DtlsTransport&) = delete;

  void handshake(Handlers handlers) override {
    link_->handshake = std::move(handlers);
    link_->begin();
  }
  void describe(Connection& connection) const override { link_->tls->describe(connection); }

  void start(Receiver receiver) override { link_->receiver = std::make_shared<const Receiver>(std::move(receiver)); }
  void send(Bytes message) override { link_->tls->write(message); }
  SocketAddress local() const override { return local_; }
  SocketAddress server() const override { return server_; }

 private:
  std::shared_ptr<Link> link_;
  SocketAddress server_;
  SocketAddress local_;
};

}  // namespace

std::unique_ptr<SecureTransport> make_dtls_transport(const boost::asio::any_io_executor& executor,
                                                     std::unique_ptr<Transport> datagrams,
                                                     std::shared_ptr<TlsContext> context, TlsEngine::Options options) {
  return std::make_unique<DtlsTransport>(executor, std::move(datagrams), std::move(context), std::move(options));
}

}  // namespace turnkeeper::turn
