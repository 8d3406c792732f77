#include "turnkeeper/turn/session.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <optional>

#include "turnkeeper/turn/timer_wheel.hpp"

namespace turnkeeper::turn {
namespace {

ClientConfig fitting(ClientConfig config, const Transport& transport) {
  config.reliable = transport.reliable();
  return config;
}

}  // namespace

// Shared with handlers that are still queued when the session goes; `closed` silences them.
struct Session::State : std::enable_shared_from_this<Session::State> {
  State(const boost::asio::any_io_executor& executor_in, const Clock& clock_in, std::unique_ptr<Transport> transport_in,
        ClientConfig config, Handlers handlers_in)
      : clock(clock_in),
        transport(std::move(transport_in)),
        client(fitting(std::move(config), *transport)),
        handlers(std::move(handlers_in)),
        executor(executor_in),
        timer(TimerWheel::of(executor_in), *this) {}

  void start() {
    // The transport goes with this, and calls nothing after that.
    transport->start({.on_message = [this](Bytes message) { on_message(message); },
                      .on_unreachable =
                          [this](const PathFailure& failure) {
                            const auto self = shared_from_this();
                            if (!closed) handlers.on_unreachable(failure);
                          }});
  }

  void on_message(Bytes message) {
    if (closed) return;
    const auto self = shared_from_this();
    if (const auto data = client.receive(message, clock.steady())) {
      handlers.on_data(data->channel, data->payload);
      return;
    }
    progress();
    deliver();
  }

  void on_time() {
    if (closed) return;
    client.on_time(clock.steady());
    progress();
    deliver();
  }

  // Sends what the client wants sent and sets the timer.
  void progress() {
    while (auto datagram = client.poll_transmit()) transport->send(*datagram);
    if (const auto next = client.next_timeout()) {
      timer.set(*next);
    } else {
      timer.clear();
    }
  }

  // The same at the caller's wish: what comes of it must not be told from within the call.
  void progress_and_deliver_later() {
    progress();
    if (!client.has_event() || delivering) return;
    boost::asio::post(executor, [self = shared_from_this()] { self->deliver(); });
  }

  void deliver() {
    if (std::exchange(delivering, true)) return;
    while (!closed) {
      const auto event = client.poll_event();
      if (!event) break;
      handlers.on_event(*event);
    }
    delivering = false;
  }

  const Clock& clock;
  std::unique_ptr<Transport> transport;
  Client client;
  Handlers handlers;
  boost::asio::any_io_executor executor;
  TimerOf<State, &State::on_time> timer;
  bool delivering = false;
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
  state_->timer.clear();
}

void Session::binding() {
  state_->client.binding(state_->clock.steady());
  state_->progress_and_deliver_later();
}

void Session::allocate() {
  state_->client.allocate(state_->clock.steady());
  state_->progress_and_deliver_later();
}

std::uint16_t Session::bind_channel(const SocketAddress& peer) {
  const auto channel = state_->client.bind_channel(peer, state_->clock.steady());
  state_->progress_and_deliver_later();
  return channel;
}

void Session::refresh() {
  state_->client.refresh(state_->clock.steady());
  state_->progress_and_deliver_later();
}

void Session::release() {
  state_->client.release(state_->clock.steady());
  state_->progress_and_deliver_later();
}

void Session::send(std::uint16_t channel, Bytes payload) {
  // Not part of each session: with thousands of them it would leave the cache between two payloads.
  thread_local std::array<std::uint8_t, channel_header_size + 1500> frame;
  const auto message = encode_channel_data(frame, channel, payload);
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
