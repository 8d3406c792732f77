#include "monitor/probe/hairpin.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstring>

#include "turnkeeper/base/random.hpp"
#include "turnkeeper/turn/udp_transport.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using api::Cause;

constexpr std::size_t identity_size = 16;

}  // namespace

Hairpin::Hairpin(const boost::asio::any_io_executor& executor, const Clock& clock, Config config, Handlers handlers)
    : executor_(executor),
      clock_(clock),
      config_(std::move(config)),
      handlers_(std::move(handlers)),
      deadline_timer_(executor),
      step_timer_(executor) {
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
  enter(Stage::allocating, Phase::connect);
  if (const auto opened = open(); !opened) {
    boost::asio::post(executor_, [weak = weak_from_this(), detail = opened.error().message] {
      if (const auto self = weak.lock()) self->fail({Cause::connect, detail});
    });
    return;
  }
  end_phase();
  enter(Stage::allocating, Phase::allocate);
  const auto half = deadline.remaining(clock_) / 2;
  at(deadline_timer_, deadline.at(), &Hairpin::on_deadline);
  at(step_timer_, Deadline::after(clock_, std::min<std::chrono::nanoseconds>(half, 1s)).at(), &Hairpin::on_step);
  session_->allocate();
}

Result<> Hairpin::open() {
  auto transport = turn::open_udp(executor_, config_.server);
  if (!transport) return turnkeeper::fail(transport.error());
  turn::ClientConfig client;
  client.username = config_.credential.username;
  client.password = config_.credential.password;
  client.software = "turnkeeper";
  client.retransmission.rto = config_.rto;
  const std::weak_ptr<Hairpin> weak = weak_from_this();
  turn::Session::Handlers handlers;
  handlers.on_event = [weak](const turn::Event& event) {
    if (const auto self = weak.lock()) self->on_event(event);
  };
  handlers.on_data = [weak](std::uint16_t, turn::Bytes payload) {
    if (const auto self = weak.lock()) self->on_data(payload);
  };
  handlers.on_unreachable = [weak](const std::string& reason) {
    if (const auto self = weak.lock()) self->on_unreachable(reason);
  };
  session_ =
      std::make_unique<turn::Session>(executor_, clock_, std::move(*transport), std::move(client), std::move(handlers));
  return {};
}

std::uint64_t Hairpin::send_echo() {
  const auto sequence = ++sequence_;
  std::memcpy(payload_.data() + identity_size, &sequence, sizeof sequence);
  sent_at_[sequence % sent_at_.size()] = clock_.steady();
  session_->send(channel_, payload_);
  return sequence;
}

void Hairpin::challenge() {
  if (stage_ == Stage::standing) session_->refresh();
}

void Hairpin::release(Deadline deadline) {
  if (stage_ == Stage::releasing || stage_ == Stage::released) return;
  end_phase();
  stage_ = Stage::releasing;
  step_timer_.cancel();
  if (!session_) {
    boost::asio::post(executor_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->finish_release(true);
    });
    return;
  }
  at(deadline_timer_, deadline.at(), &Hairpin::on_deadline);
  session_->release();
}

void Hairpin::on_event(const turn::Event& event) {
  if (stage_ == Stage::releasing) {
    if (std::holds_alternative<turn::Released>(event)) finish_release(true);
    if (std::holds_alternative<turn::Failure>(event)) finish_release(false);
    return;
  }
  if (stage_ == Stage::failed) return;

  if (std::holds_alternative<turn::BindingAnswered>(event)) {
    binding_answered_ = true;
  } else if (const auto* allocated = std::get_if<turn::Allocated>(&event)) {
    end_phase();
    relayed_ = allocated->relayed;
    step_timer_.cancel();
    enter(Stage::binding_channel, Phase::bind);
    channel_ = session_->bind_channel(allocated->relayed);
  } else if (std::holds_alternative<turn::ChannelBound>(event)) {
    end_phase();
    enter(Stage::echoing, Phase::echo);
    on_step();
  } else if (const auto* failure = std::get_if<turn::Failure>(&event)) {
    if (failure->operation == turn::Operation::binding) return;
    // The kernel chose a port that another allocation on this relay gave up less than a second ago.
    constexpr int allocation_mismatch = 437;
    if (failure->operation == turn::Operation::allocate && failure->code == allocation_mismatch &&
        !std::exchange(changed_port_, true) && open()) {
      session_->allocate();
      return;
    }
    if (failure->kind == turn::Failure::Kind::timeout) {
      fail(silence_of(failure->operation));
    } else {
      fail(diagnose(*failure));
    }
  }
}

void Hairpin::on_data(turn::Bytes payload) {
  if (stage_ != Stage::echoing && stage_ != Stage::standing) return;
  if (payload.size() != payload_size ||
      !std::equal(payload.begin(), payload.begin() + identity_size, payload_.begin())) {
    return;
  }
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
  deadline_timer_.cancel();
  step_timer_.cancel();
  begin_sequence();
  handlers_.on_standing(round_trip);
}

// The step that repeats: a Binding while Allocate is silent, which tells a relay whose listener still answers from one
// that is gone; then the first echo, which UDP may lose.
void Hairpin::on_step() {
  if (stage_ == Stage::allocating) {
    session_->binding();
  } else if (stage_ == Stage::echoing) {
    send_echo();
    at(step_timer_, Deadline::after(clock_, config_.rto).at(), &Hairpin::on_step);
  }
}

void Hairpin::on_deadline() {
  switch (stage_) {
    case Stage::allocating:
      return fail(silence_of(turn::Operation::allocate));
    case Stage::binding_channel:
      return fail(silence_of(turn::Operation::channel_bind));
    case Stage::echoing:
      return fail({Cause::data_path, "the allocation stands and its channel is bound, but none of " +
                                         std::to_string(sequence_) + " echoes came back"});
    case Stage::releasing:
      return finish_release(false);
    case Stage::idle:
    case Stage::standing:
    case Stage::failed:
    case Stage::released:
      return;
  }
}

Diagnosis Hairpin::silence_of(turn::Operation operation) const {
  return diagnose_silence({.waiting_for = operation,
                           .binding_answered = binding_answered_,
                           .challenged = session_->client().challenged(),
                           .forged = session_->client().forged()});
}

void Hairpin::on_unreachable(const std::string& reason) {
  // What cannot be reached cannot confirm that it let go.
  if (stage_ == Stage::releasing) return finish_release(false);
  fail({Cause::connect, reason});
}

void Hairpin::fail(Diagnosis diagnosis) {
  if (stage_ == Stage::failed || stage_ == Stage::releasing || stage_ == Stage::released) return;
  end_phase();
  stage_ = Stage::failed;
  deadline_timer_.cancel();
  step_timer_.cancel();
  handlers_.on_failed(diagnosis);
}

void Hairpin::finish_release(bool confirmed) {
  if (stage_ == Stage::released) return;
  stage_ = Stage::released;
  deadline_timer_.cancel();
  handlers_.on_released(confirmed);
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

void Hairpin::at(boost::asio::steady_timer& timer, SteadyTime time, void (Hairpin::*action)()) {
  timer.expires_at(time);
  timer.async_wait([weak = weak_from_this(), &timer, time, action](const boost::system::error_code& error) {
    const auto self = weak.lock();
    // A timer that was set anew while this handler was already queued reports no error.
    if (!error && self && timer.expiry() == time) (self.get()->*action)();
  });
}

}  // namespace turnkeeper::monitor
