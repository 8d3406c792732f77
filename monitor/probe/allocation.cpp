#include "monitor/probe/allocation.hpp"

#include <boost/asio/this_coro.hpp>

namespace turnkeeper::monitor {

namespace asio = boost::asio;

asio::awaitable<tl::expected<turn::Connection, turn::ConnectFailure>> open_connection(std::shared_ptr<Waiter> waiter,
                                                                                      turn::Endpoint endpoint,
                                                                                      turn::ConnectOptions options) {
  using Outcome = tl::expected<turn::Connection, turn::ConnectFailure>;
  const auto executor = co_await asio::this_coro::executor;
  if (endpoint.protocol == turn::Protocol::udp) {
    const auto started = options.clock->steady();
    auto connected = turn::connect_udp(executor, endpoint.address, options.whole_datagrams);
    const auto took = options.clock->steady() - started;
    (connected ? connected->connect_time : connected.error().connect_time) = took;
    co_return connected;
  }
  const Deadline deadline = options.deadline;
  const auto outcome = std::make_shared<std::optional<Outcome>>();
  auto attempt = turn::connect(executor, endpoint, std::move(options), [outcome, waiter](Outcome connected) {
    outcome->emplace(std::move(connected));
    waiter->wake();
  });
  // It ends by itself at the deadline.
  while (!*outcome && !waiter->stopped()) co_await waiter->wait(deadline);
  if (*outcome) co_return std::move(**outcome);
  attempt.cancel();
  co_return tl::unexpected(turn::ConnectFailure{.kind = turn::ConnectFailure::Kind::no_socket, .detail = "cancelled"});
}

Allocation::Allocation(std::shared_ptr<Waiter> waiter, const Clock& clock, std::chrono::milliseconds rto)
    : waiter_(std::move(waiter)), clock_(clock), rto_(rto) {}

asio::awaitable<void> Allocation::make(ProbeTarget target, turn::Credential credential, Deadline deadline) {
  const auto executor = co_await asio::this_coro::executor;
  // Named: GCC 12 destroys an aggregate that is a temporary of a co_await expression twice.
  turn::ConnectOptions options{
      .tls = target.tls, .server_name = target.server_name, .deadline = deadline, .clock = &clock_};
  auto connection = co_await open_connection(waiter_, target.endpoint, std::move(options));
  if (!connection) {
    state_->unreachable = diagnose(connection.error());
    co_return;
  }
  turn::ClientConfig config;
  config.username = credential.username;
  config.password = credential.password;
  config.software = "turnkeeper";
  config.retransmission.rto = rto_;
  config.address_family = target.address_family;
  turn::Session::Handlers handlers;
  handlers.on_event = [state = state_, waiter = waiter_](const turn::Event& event) {
    if (const auto* allocated = std::get_if<turn::Allocated>(&event)) state->allocated = *allocated;
    if (const auto* bound = std::get_if<turn::ChannelBound>(&event)) state->bound.accepted.push_back(bound->peer);
    if (std::holds_alternative<turn::Released>(event)) state->released = true;
    if (const auto* failure = std::get_if<turn::Failure>(&event)) {
      if (failure->operation == turn::Operation::release) state->released = true;
      if (failure->operation == turn::Operation::allocate) state->refused = *failure;
      if (failure->operation == turn::Operation::channel_bind) ++state->bound.refused;
    }
    waiter->wake();
  };
  handlers.on_data = [](std::uint16_t, turn::Bytes) {};
  handlers.on_unreachable = [state = state_, waiter = waiter_](const turn::PathFailure& failure) {
    state->unreachable = diagnose(failure, state->allocated.has_value());
    waiter->wake();
  };
  session_ = std::make_unique<turn::Session>(executor, clock_, std::move(connection->transport), std::move(config),
                                             std::move(handlers));
  session_->allocate();
  while (!state_->allocated && !state_->refused && !state_->unreachable && !waiter_->stopped() &&
         !deadline.expired(clock_)) {
    co_await waiter_->wait(deadline);
  }
  if (state_->refused && state_->refused->kind == turn::Failure::Kind::timeout) state_->refused.reset();
}

asio::awaitable<Allocation::Bound> Allocation::bind(std::vector<turn::SocketAddress> peers, Deadline deadline) {
  state_->bound = {};
  for (const auto& peer : peers) (void)session_->bind_channel(peer);
  const auto answered = [this] {
    return state_->bound.accepted.size() + static_cast<std::size_t>(state_->bound.refused);
  };
  while (answered() < peers.size() && !state_->unreachable && !waiter_->stopped() && !deadline.expired(clock_)) {
    co_await waiter_->wait(deadline);
  }
  state_->bound.unanswered = static_cast<int>(peers.size() - answered());
  co_return state_->bound;
}

asio::awaitable<void> Allocation::release(Deadline deadline) {
  if (!session_) co_return;
  session_->release();
  while (!state_->released && !state_->unreachable && !deadline.expired(clock_)) co_await waiter_->wait(deadline);
  session_.reset();
}

}  // namespace turnkeeper::monitor
