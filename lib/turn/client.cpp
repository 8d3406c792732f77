#include "turnkeeper/turn/client.hpp"

#include <algorithm>

#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::turn {
namespace {

using namespace std::chrono_literals;

// A permission lives for 5 minutes and a channel for 10 (RFC 8656 sections 9 and 12); ChannelBind renews both.
constexpr auto channel_renewal = 4min;
constexpr auto refresh_retry = 5s;
constexpr auto max_lifetime = std::chrono::seconds(24h);

// What a server wrote, fit for a log line.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, 128));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7E) c = '?';
  }
  return out;
}

// In a dual allocation coturn writes 0.0.0.0:0 for a family that it refused.
std::optional<SocketAddress> relayed_address(const Message& message, int index) {
  const auto address = message.address(AttributeType::xor_relayed_address, index);
  return address && address->port() != 0 ? address : std::nullopt;
}

}  // namespace

std::string_view operation_name(Operation operation) {
  switch (operation) {
    case Operation::binding:
      return "Binding";
    case Operation::allocate:
      return "Allocate";
    case Operation::channel_bind:
      return "ChannelBind";
    case Operation::refresh:
      return "Refresh";
    case Operation::release:
      return "Refresh(0)";
  }
  return "";
}

Client::Client(ClientConfig config) : config_(std::move(config)) {
  if (config_.reliable) config_.retransmission = config_.retransmission.sent_once();
}

void Client::binding(SteadyTime now) {
  std::erase_if(pending_, [](const Pending& p) { return p.operation == Operation::binding; });
  start(Operation::binding, now);
}

void Client::allocate(SteadyTime now) {
  if (state_ != State::idle) return;
  state_ = State::allocating;
  start(Operation::allocate, now);
}

std::uint16_t Client::bind_channel(const SocketAddress& peer, SteadyTime now) {
  if (state_ != State::allocated || channels_.size() > last_channel - first_channel) return 0;
  Channel channel;
  channel.number = static_cast<std::uint16_t>(first_channel + channels_.size());
  channel.peer = peer;
  channel.renew_at = SteadyTime::max();
  channels_.push_back(channel);
  start(Operation::channel_bind, now, channel.number);
  return channel.number;
}

void Client::refresh(SteadyTime now) {
  if (state_ == State::allocated && !is_pending(Operation::refresh)) start(Operation::refresh, now);
}

void Client::release(SteadyTime now) {
  if (state_ == State::releasing) return;
  channels_.clear();
  if (!needs_release()) return on_released();
  // A server with several threads (coturn's authentication) may answer Refresh(0) before an Allocate that was sent
  // earlier: that one's answer is still waited for.
  std::erase_if(pending_, [](const Pending& p) { return p.operation != Operation::allocate || !p.authenticated; });
  state_ = State::releasing;
  start(Operation::release, now);
}

std::optional<ChannelData> Client::receive(Bytes datagram, SteadyTime now) {
  if (const auto data = decode_channel_data(datagram)) {
    return find_channel(data->channel) != nullptr ? data : std::nullopt;
  }
  const auto message = Message::decode(datagram);
  if (!message || message->check_fingerprint() == Check::wrong) return std::nullopt;
  const bool success = message->message_class() == MessageClass::success;
  if (!success && message->message_class() != MessageClass::error) return std::nullopt;
  const auto found = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& p) {
    return p.transaction.id() == message->transaction_id() && method_of(p.operation) == message->method();
  });
  if (found == pending_.end()) return std::nullopt;

  if (found->authenticated) {
    // RFC 8489 section 9.2.5. A server that could not authenticate the request cannot sign its answer: 400, 401, 438.
    const auto error = success ? std::nullopt : message->error_code();
    const bool may_be_unsigned = error && (error->code == 400 || error->code == 401 || error->code == 438);
    const Check check = message->check_integrity(key_);
    if (check == Check::wrong || (check == Check::absent && !may_be_unsigned)) {
      ++forged_;
      // As if it had never come; but over a stream nothing else will come in its place.
      if (config_.reliable) {
        const Pending pending = std::move(*found);
        pending_.erase(found);
        fail_operation(pending, Failure{.kind = Failure::Kind::malformed,
                                        .reason = "MESSAGE-INTEGRITY of the answer is missing or wrong"});
      }
      return std::nullopt;
    }
  }
  Pending pending = std::move(*found);
  pending_.erase(found);
  if (success) {
    on_success(std::move(pending), *message, now);
  } else {
    on_error(std::move(pending), *message, now);
  }
  return std::nullopt;
}

void Client::on_success(Pending pending, const Message& message, SteadyTime now) {
  const auto malformed = [&](const char* what) {
    fail_operation(pending, Failure{.kind = Failure::Kind::malformed, .reason = what});
  };
  if (message.has_unknown_required()) return malformed("the answer has an unknown comprehension-required attribute");

  switch (pending.operation) {
    case Operation::binding: {
      auto mapped = message.address(AttributeType::xor_mapped_address);
      if (!mapped) mapped = message.address(AttributeType::mapped_address);
      if (!mapped) return malformed("the answer has no XOR-MAPPED-ADDRESS");
      events_.push_back(BindingAnswered{*mapped});
      return;
    }
    case Operation::allocate: {
      if (state_ == State::releasing) {
        std::erase_if(pending_, [](const Pending& p) { return p.operation == Operation::release; });
        return start(Operation::release, now);
      }
      may_be_allocated_ = true;
      auto relayed = relayed_address(message, 0);
      auto additional = config_.dual ? relayed_address(message, 1) : std::nullopt;
      if (!relayed || (additional && relayed->family() == SocketAddress::Family::ipv6)) std::swap(relayed, additional);
      const auto refused = config_.dual ? message.address_error_code() : std::nullopt;
      const auto lifetime = message.lifetime();
      if (!relayed) return malformed("the answer has no XOR-RELAYED-ADDRESS");
      if (!lifetime || lifetime->count() == 0) return malformed("the answer has no LIFETIME");
      state_ = State::allocated;
      set_lifetime(*lifetime, now);
      events_.push_back(Allocated{.relayed = *relayed,
                                  .mapped = message.address(AttributeType::xor_mapped_address),
                                  .lifetime = *lifetime,
                                  .relayed_additional = additional,
                                  .additional_refused = refused ? std::optional(refused->code) : std::nullopt});
      return;
    }
    case Operation::channel_bind: {
      Channel* channel = find_channel(pending.channel);
      if (channel == nullptr) return;
      channel->renew_at = now + channel_renewal;
      if (!channel->bound) events_.push_back(ChannelBound{channel->number, channel->peer});
      channel->bound = true;
      return;
    }
    case Operation::refresh: {
      const auto lifetime = message.lifetime();
      if (!lifetime || lifetime->count() == 0) return malformed("the answer has no LIFETIME");
      set_lifetime(*lifetime, now);
      events_.push_back(Refreshed{*lifetime});
      return;
    }
    case Operation::release:
      return on_released();
  }
}

void Client::on_released() {
  close();
  events_.push_back(Released{});
}

void Client::on_error(Pending pending, const Message& message, SteadyTime now) {
  const auto error = message.error_code();
  if (!error) {
    return fail_operation(pending, Failure{.kind = Failure::Kind::malformed, .reason = "an error without ERROR-CODE"});
  }
  Failure failure{.kind = Failure::Kind::error_response,
                  .code = error->code,
                  .reason = printable(error->reason),
                  .alternate_server = message.address(AttributeType::alternate_server),
                  .alternate_domain = printable(message.text(AttributeType::alternate_domain).value_or(""))};

  if (state_ == State::releasing && pending.operation == Operation::allocate) {
    return on_released();  // there never was an allocation
  }
  if (error->code == 401 && (pending.authenticated || config_.username.empty())) {
    failure.kind = Failure::Kind::unauthorized;
  } else if (error->code == 438 && pending.stale_nonces > 0) {
    failure.kind = Failure::Kind::stale_nonce;
  } else if ((error->code == 401 || error->code == 438) && pending.operation != Operation::binding) {
    const auto taken = take_challenge(message);
    if (taken) {
      if (error->code == 438) ++pending.stale_nonces;
      return send(std::move(pending), now);
    }
    failure.kind = Failure::Kind::malformed;
    failure.reason = taken.error().message;
  } else if (error->code == 437 && pending.operation == Operation::release) {
    if (!is_pending(Operation::allocate)) on_released();
    return;
  }
  fail_operation(pending, std::move(failure));
}

void Client::fail_operation(const Pending& pending, Failure failure) {
  // Nonsense or silence; Refresh(0) has its answer, or still gets one.
  if (state_ == State::releasing && pending.operation == Operation::allocate) {
    if (!is_pending(Operation::release)) on_released();
    return;
  }
  failure.operation = pending.operation;
  switch (pending.operation) {
    case Operation::allocate:
      // A server that said no holds no allocation; after silence or nonsense it may.
      if (failure.code != 0) may_be_allocated_ = false;
      if (!may_be_allocated_) close();
      break;
    case Operation::refresh:
      if (failure.code == 437) {  // allocation mismatch: it is gone
        may_be_allocated_ = false;
        close();
      }
      break;
    case Operation::release:
      close();
      break;
    case Operation::binding:
    case Operation::channel_bind:
      break;
  }
  events_.push_back(std::move(failure));
}

void Client::on_time(SteadyTime now) {
  for (std::size_t i = 0; i < pending_.size();) {
    const auto due = pending_[i].transaction.on_time(now);
    if (due == Transaction::Due::failed) {
      const Pending pending = std::move(pending_[i]);
      pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(i));
      fail_operation(pending, Failure{.kind = Failure::Kind::timeout, .reason = "no answer"});
      i = 0;  // failing may have dropped the others too
      continue;
    }
    if (due == Transaction::Due::send) pending_[i].transmit = true;
    ++i;
  }
  if (state_ != State::allocated) return;
  if (now >= expires_at_) {
    may_be_allocated_ = false;
    close();
    events_.push_back(Failure{.operation = Operation::refresh,
                              .kind = Failure::Kind::timeout,
                              .reason = "the allocation expired before it could be refreshed"});
    return;
  }
  if (now >= refresh_at_ && !is_pending(Operation::refresh)) {
    refresh_at_ = now + refresh_retry;  // if this one fails; a success sets it anew
    start(Operation::refresh, now);
  }
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (now >= channels_[i].renew_at && !is_pending(Operation::channel_bind, channels_[i].number)) {
      channels_[i].renew_at = now + refresh_retry;
      start(Operation::channel_bind, now, channels_[i].number);
    }
  }
}

std::optional<SteadyTime> Client::next_timeout() const {
  std::optional<SteadyTime> next;
  const auto at = [&](SteadyTime time) {
    if (!next || time < *next) next = time;
  };
  for (const auto& pending : pending_) at(pending.transaction.next());
  if (state_ == State::allocated) {
    at(expires_at_);
    if (!is_pending(Operation::refresh)) at(refresh_at_);
    for (const auto& channel : channels_) {
      if (channel.renew_at != SteadyTime::max() && !is_pending(Operation::channel_bind, channel.number)) {
        at(channel.renew_at);
      }
    }
  }
  return next;
}

std::optional<Bytes> Client::poll_transmit() {
  for (auto& pending : pending_) {
    if (std::exchange(pending.transmit, false)) return pending.transaction.request();
  }
  return std::nullopt;
}

std::optional<Event> Client::poll_event() {
  if (events_.empty()) return std::nullopt;
  auto event = std::move(events_.front());
  events_.erase(events_.begin());  // there is seldom a second one
  return event;
}

bool Client::is_pending(Operation operation, std::uint16_t channel) const {
  return std::any_of(pending_.begin(), pending_.end(),
                     [&](const Pending& p) { return p.operation == operation && p.channel == channel; });
}

Client::Channel* Client::find_channel(std::uint16_t number) {
  const auto found =
      std::find_if(channels_.begin(), channels_.end(), [&](const Channel& c) { return c.number == number; });
  return found == channels_.end() ? nullptr : &*found;
}

void Client::set_lifetime(std::chrono::seconds lifetime, SteadyTime now) {
  lifetime = std::min(lifetime, max_lifetime);
  expires_at_ = now + lifetime;
  // A minute ahead, as RFC 8656 section 8 suggests, so that a lost Refresh can be repeated.
  refresh_at_ = lifetime > 2min ? expires_at_ - 1min : now + std::chrono::milliseconds(lifetime) / 2;
}

void Client::close() {
  state_ = State::closed;
  pending_.clear();
  channels_.clear();
}

}  // namespace turnkeeper::turn
