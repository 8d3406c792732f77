#include "turnkeeper/turn/session.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>

namespace turnkeeper::turn {

// Shared with handlers that are still queued when the session goes; `closed` silences them.
struct Session::State : std::enable_shared_from_this<Session::State> {
  State(const boost::asio::any_io_executor& executor, const Clock& clock_in, std::unique_ptr<Transport> transport_in,
        ClientConfig config, Handlers handlers_in)
      : clock(clock_in),
        transport(std::move(transport_in)),
        client(std::move(config)),
        handlers(std::move(handlers_in)),
        timer(executor) {}

  void start() {
    const std::weak_ptr<State> weak = weak_from_this();
    transport->start({.on_message =
                          [weak](Bytes message) {
                            if (const auto self = weak.lock()) self->on_message(message);
                          },
                      .on_unreachable =
                          [weak](const std::string& reason) {
                            const auto self = weak.lock();
                            if (self && !self->closed) self->handlers.on_unreachable(reason);
                          }});
  }

  void on_message(Bytes message) {
    if (closed) return;
    if (const auto data = client.receive(message, clock.steady())) {
      handlers.on_data(data->channel, data->payload);
      return;
    }
    progress();
  }

  // Sends what the client wants sent, sets the timer, and has its events delivered from the executor.
  void progress() {
    while (auto datagram = client.poll_transmit()) transport->send(*datagram);
    arm();
    while (auto event = client.poll_event()) {
      boost::asio::post(timer.get_executor(), [self = shared_from_this(), event = std::move(*event)] {
        if (!self->closed) self->handlers.on_event(event);
      });
    }
  }

  void arm() {
    const auto next = client.next_timeout();
    if (next == armed) return;
    armed = next;
    if (!next) {
      timer.cancel();
      return;
    }
    timer.expires_at(*next);
    timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (error || !self || self->closed) return;
      self->armed.reset();
      self->client.on_time(self->clock.steady());
      self->progress();
    });
  }

  const Clock& clock;
  std::unique_ptr<Transport> transport;
  Client client;
  Handlers handlers;
  boost::asio::steady_timer timer;
  std::optional<SteadyTime> armed;
  std::array<std::uint8_t, channel_header_size + 1500> frame{};
  bool closed = false;
};

Session::Session(const boost::asio::any_io_executor& executor, const Clock& clock, std::unique_ptr<Transport> transport,
                 ClientConfig config, Handlers handlers)
    : state_(std::make_shared<State>(executor, clock, std::move(transport), std::move(config), std::move(handlers))) {
  state_->start();
}

Session::~Session() {
  if (state_->client.needs_release()) {
    state_->client.release(state_->clock.steady());
    while (auto datagram = state_->client.poll_transmit()) state_->transport->send(*datagram);
  }
  state_->closed = true;
  state_->timer.cancel();
}

void Session::binding() {
  state_->client.binding(state_->clock.steady());
  state_->progress();
}

void Session::allocate() {
  state_->client.allocate(state_->clock.steady());
  state_->progress();
}

std::uint16_t Session::bind_channel(const SocketAddress& peer) {
  const auto channel = state_->client.bind_channel(peer, state_->clock.steady());
  state_->progress();
  return channel;
}

void Session::refresh() {
  state_->client.refresh(state_->clock.steady());
  state_->progress();
}

void Session::release() {
  state_->client.release(state_->clock.steady());
  state_->progress();
}

void Session::send(std::uint16_t channel, Bytes payload) {
  const auto message = encode_channel_data(state_->frame, channel, payload);
  if (!message.empty()) state_->transport->send(message);
}

SocketAddress Session::local() const {
  return state_->transport->local();
}

SocketAddress Session::server() const {
  return state_->transport->server();
}

const Client& Session::client() const {
  return state_->client;
}

}  // namespace turnkeeper::turn
