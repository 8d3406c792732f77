#include "monitor/probe/hairpin.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstring>

#include "turnkeeper/base/random.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using api::Cause;

constexpr std::size_t identity_size = 16;
constexpr int allocation_mismatch = 437;

}  // namespace

Hairpin::Hairpin(const boost::asio::any_io_executor& executor, const Clock& clock, Config config, Handlers handlers)
    : executor_(executor),
      clock_(clock),
      config_(std::move(config)),
      handlers_(std::move(handlers)),
      deadline_timer_(turn::TimerWheel::of(executor), *this),
      step_timer_(turn::TimerWheel::of(executor), *this) {
  begin_sequence();
}

// A fresh identity: late echoes of another hairpin, or of this one's first attempts, must not be taken for new ones,
// and a payload that somebody guessed must not be believed.
void Hairpin::begin_sequence() {
  fill_random(std::span(payload_).first(identity_size));
  sequence_ = 0;
  sent_at_ = {};
}

void Hairpin::establish(Deadline deadline) {
  if (stage_ != Stage::idle) return;
  enter(Stage::allocating, Phase::allocate);
  const auto half = deadline.remaining(clock_) / 2;
  deadline_timer_.set(deadline.at());
  step_timer_.set(Deadline::after(clock_, std::min<std::chrono::nanoseconds>(half, 1s)).at());
  begin_allocation(0, std::move(config_.transport));
}

void Hairpin::begin_allocation(std::size_t end, std::unique_ptr<turn::Transport> transport) {
  turn::ClientConfig client;
  client.username = config_.credential.username;
  client.password = config_.credential.password;
  client.software = "turnkeeper";
  client.retransmission.rto = config_.rto;
  client.address_family = config_.address_family;
  // The sessions go with this, and call nothing after that.
  turn::Session::Handlers handlers;
  handlers.on_event = [this, end](const turn::Event& event) {
    const auto self = shared_from_this();
    on_event(end, event);
  };
  handlers.on_data = [this](std::uint16_t, turn::Bytes payload) {
    const auto self = shared_from_this();
    on_data(payload);
  };
  handlers.on_unreachable = [this, end](const turn::PathFailure& failure) {
    const auto self = shared_from_this();
    on_unreachable(end, failure);
  };
  ends_[end].reliable = transport->reliable();
  auto& session = ends_[end].session;
  session =
      std::make_unique<turn::Session>(executor_, clock_, std::move(transport), std::move(client), std::move(handlers));
  session->allocate();
}

std::uint64_t Hairpin::send_echo() {
  const auto sequence = ++sequence_;
  std::memcpy(payload_.data() + identity_size, &sequence, sizeof sequence);
  sent_at_[sequence % sent_at_.size()] = clock_.steady();
  send(payload_);
  return sequence;
}

void Hairpin::send(turn::Bytes payload) {
  ends_[0].session->send(ends_[0].channel, payload);
}

void Hairpin::challenge() {
  if (stage_ != Stage::standing) return;
  for (auto& end : ends_) {
    if (end.session) end.session->refresh();
  }
}

void Hairpin::release(Deadline deadline) {
  if (stage_ == Stage::releasing || stage_ == Stage::released) return;
  end_phase();
  stage_ = Stage::releasing;
  step_timer_.clear();
  deadline_timer_.set(deadline.at());
  for (auto& end : ends_) {
    // A connection that broke takes its allocation with it, and can carry no answer.
    end.released = !end.session || end.broken;
    if (!end.released) end.session->release();
  }
  if (!ends_[0].released || !ends_[1].released) return;
  boost::asio::post(executor_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->finish_release();
  });
}

void Hairpin::on_event(std::size_t end, const turn::Event& event) {
  const auto* failure = std::get_if<turn::Failure>(&event);
  if (stage_ == Stage::releasing) {
    if (std::holds_alternative<turn::Released>(event)) one_released(end, true);
    if (failure && failure->operation == turn::Operation::release) one_released(end, false);
    return;
  }
  if (stage_ == Stage::failed || stage_ == Stage::released) return;

  if (std::holds_alternative<turn::BindingAnswered>(event)) {
    binding_answered_ = true;
  } else if (const auto* allocated = std::get_if<turn::Allocated>(&event)) {
    on_allocated(end, *allocated);
  } else if (std::holds_alternative<turn::ChannelBound>(event)) {
    on_bound(end);
  } else if (failure && failure->operation != turn::Operation::binding) {
    on_refused(end, *failure);
  }
}

void Hairpin::on_allocated(std::size_t end, const turn::Allocated& allocated) {
  ends_[end].relayed = allocated.relayed;
  if (end == 0) {
    end_phase();
    mapped_ = allocated.mapped;
    step_timer_.clear();
    enter(Stage::binding_channel, Phase::bind);
    ends_[0].channel = ends_[0].session->bind_channel(allocated.relayed);
    return;
  }
  for (std::size_t i = 0; i < ends_.size(); ++i) {
    ends_[i].channel = ends_[i].session->bind_channel(*ends_[1 - i].relayed);
  }
}

void Hairpin::on_bound(std::size_t end) {
  ends_[end].bound = true;
  if (stage_ != Stage::binding_channel || (is_pair() && !(ends_[0].bound && ends_[1].bound))) return;
  end_phase();
  enter(Stage::echoing, Phase::echo);
  on_step();
}

void Hairpin::on_refused(std::size_t end, const turn::Failure& failure) {
  if (failure.operation == turn::Operation::allocate && failure.code == allocation_mismatch && try_another_port(end)) {
    return;
  }
  if (stage_ == Stage::binding_channel && !is_pair() && try_pair(failure)) return;
  // That the second allocation was not to be had says less than why it was needed.
  if (own_address_refused_ && stage_ == Stage::binding_channel) return fail(*own_address_refused_);
  refusal_ = failure;
  fail(failure.kind == turn::Failure::Kind::timeout ? silence_of(failure.operation) : diagnose(failure));
}

bool Hairpin::try_another_port(std::size_t end) {
  if (!config_.open_another || std::exchange(changed_port_, true)) return false;
  config_.open_another([weak = weak_from_this(), end](Result<std::unique_ptr<turn::Transport>> transport) {
    const auto self = weak.lock();
    if (!self || self->stage_ == Stage::failed || self->stage_ >= Stage::releasing) return;
    if (!transport) return self->fail({Cause::internal, transport.error().message});
    self->begin_allocation(end, std::move(*transport));
  });
  return true;
}

bool Hairpin::try_pair(const turn::Failure& refusal) {
  constexpr int forbidden = 403;
  if (refusal.operation != turn::Operation::channel_bind || refusal.code != forbidden || !config_.open_another ||
      std::exchange(tried_pair_, true)) {
    return false;
  }
  refusal_ = refusal;
  own_address_refused_ = diagnose(refusal);
  config_.open_another([weak = weak_from_this()](Result<std::unique_ptr<turn::Transport>> transport) {
    const auto self = weak.lock();
    if (!self || self->stage_ != Stage::binding_channel) return;
    if (!transport) return self->fail(*self->own_address_refused_);
    self->begin_allocation(1, std::move(*transport));
  });
  return true;
}

void Hairpin::on_data(turn::Bytes payload) {
  if (stage_ != Stage::echoing && stage_ != Stage::standing) return;
  if (payload.size() != payload_size) {
    if (stage_ == Stage::standing && handlers_.on_payload) handlers_.on_payload(payload);
    return;
  }
  if (!std::equal(payload.begin(), payload.begin() + identity_size, payload_.begin())) return;
  std::uint64_t sequence = 0;
  std::memcpy(&sequence, payload.data() + identity_size, sizeof sequence);
  if (sequence == 0 || sequence > sequence_ || sequence_ - sequence >= sent_at_.size()) return;
  auto& sent = sent_at_[sequence % sent_at_.size()];
  if (sent == SteadyTime()) return;  // a duplicate
  const std::chrono::nanoseconds round_trip = clock_.steady() - std::exchange(sent, SteadyTime());
  if (stage_ == Stage::standing) {
    handlers_.on_echo(sequence, round_trip);
    return;
  }
  end_phase();
  stage_ = Stage::standing;
  deadline_timer_.clear();
  step_timer_.clear();
  begin_sequence();
  handlers_.on_standing(round_trip);
}

// The step that repeats: a Binding while Allocate is silent, which tells a relay whose listener still answers from one
// that is gone; then the first echo, which UDP may lose.
void Hairpin::on_step() {
  if (stage_ == Stage::allocating) {
    ends_[0].session->binding();
  } else if (stage_ == Stage::echoing) {
    send_echo();
    step_timer_.set(Deadline::after(clock_, config_.rto).at());
  }
}

void Hairpin::on_deadline() {
  switch (stage_) {
    case Stage::allocating:
      return fail(silence_of(turn::Operation::allocate));
    case Stage::binding_channel:
      return fail(own_address_refused_ ? *own_address_refused_ : silence_of(turn::Operation::channel_bind));
    case Stage::echoing:
      return fail({Cause::data_path, "the allocation stands and its channel is bound, but none of " +
                                         std::to_string(sequence_) + " echoes came back"});
    case Stage::releasing:
      release_confirmed_ = false;
      return finish_release();
    case Stage::idle:
    case Stage::standing:
    case Stage::failed:
    case Stage::released:
      return;
  }
}

Diagnosis Hairpin::silence_of(turn::Operation operation) const {
  const auto& client = ends_[0].session->client();
  return diagnose_silence({.waiting_for = operation,
                           .binding_answered = binding_answered_,
                           .challenged = client.challenged(),
                           .forged = client.forged()});
}

void Hairpin::on_unreachable(std::size_t end, const turn::PathFailure& failure) {
  ends_[end].broken = ends_[end].reliable;
  // What cannot be reached cannot confirm that it let go; but a connection that ends takes its allocation with it.
  if (stage_ == Stage::releasing) return one_released(end, ends_[end].broken);
  fail(diagnose(failure, ends_[end].relayed.has_value()));
}

void Hairpin::fail(Diagnosis diagnosis) {
  if (stage_ == Stage::failed || stage_ == Stage::releasing || stage_ == Stage::released) return;
  end_phase();
  stage_ = Stage::failed;
  deadline_timer_.clear();
  step_timer_.clear();
  handlers_.on_failed(diagnosis);
}

void Hairpin::one_released(std::size_t end, bool confirmed) {
  ends_[end].released = true;
  release_confirmed_ = release_confirmed_ && confirmed;
  if (ends_[0].released && ends_[1].released) finish_release();
}

void Hairpin::finish_release() {
  if (stage_ == Stage::released) return;
  stage_ = Stage::released;
  deadline_timer_.clear();
  handlers_.on_released(release_confirmed_);
}

void Hairpin::enter(Stage stage, Phase phase) {
  stage_ = stage;
  phases_.emplace_back(phase, 0ns);
  phase_started_ = clock_.steady();
  in_phase_ = true;
}

void Hairpin::end_phase() {
  if (in_phase_) phases_.back().second = clock_.steady() - phase_started_;
  in_phase_ = false;
}

}  // namespace turnkeeper::monitor
