#include "monitor/canary/canary_state.hpp"

#include <algorithm>
#include <utility>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr nanoseconds min_loss_timeout = 30ms;
constexpr nanoseconds max_loss_timeout = 1s;
constexpr int quick_echoes = 24;
// Many canaries wake up together, and their echoes leave together.
constexpr nanoseconds grid = 2ms;
// From the last miss that is allowed to the end of the suspicion, on top of the time in which that echo could return.
constexpr nanoseconds after_last_miss = 110ms;
// Up to here death is known within half a second; a longer path gets more time.
constexpr nanoseconds short_round_trip = 60ms;
// The fresh allocation: Allocate twice, ChannelBind, echo, and two round trips to spare for a datagram that is lost.
constexpr nanoseconds confirm_budget = 400ms;
constexpr int round_trips = 6;
constexpr nanoseconds max_confirm_budget = 3s;
constexpr nanoseconds start_budget = 2s;
constexpr nanoseconds recheck_budget = 1s;
constexpr nanoseconds min_backoff = 1s;
constexpr nanoseconds max_backoff = 5s;
constexpr double jitter = 0.25;
constexpr nanoseconds report_interval = 1s;
constexpr nanoseconds rest_interval = 1s;
// For the answer to a challenge, after the fresh allocation stands.
constexpr nanoseconds challenge_budget = 1s;
// That late, this process stood still, and so did its ears.
constexpr nanoseconds standstill = 250ms;
// That late, an allocation or its permissions may have run out.
constexpr nanoseconds stall = 5s;
// A failure so soon after a standstill is the standstill's.
constexpr nanoseconds wake_up = 1s;

// Only a relay that forgot its allocations answers so, or one whose port nobody listened on.
bool is_restart(api::Cause cause) {
  return cause == api::Cause::restarted || cause == api::Cause::connect_refused;
}

// Nobody is there; to wait for an echo is no use.
bool is_absence(api::Cause cause) {
  return cause == api::Cause::connect_refused || cause == api::Cause::unreachable;
}

bool is_timeout(api::Cause cause) {
  return cause == api::Cause::connect_timeout || cause == api::Cause::allocate_timeout ||
         cause == api::Cause::data_path || cause == api::Cause::dns;
}

SteadyTime on_grid(SteadyTime time) {
  const auto over = time.time_since_epoch() % grid;
  return over == 0ns ? time : time + (grid - over);
}

}  // namespace

CanaryState::CanaryState(CanaryPolicy policy, SteadyTime now, std::function<double()> random)
    : policy_(policy), random_(std::move(random)), backoff_(min_backoff), next_echo_(now) {
  establish(Why::start, start_budget);
}

void CanaryState::on_standing(int attempt, nanoseconds round_trip, SteadyTime now) {
  wake(now);
  if (!trying_ || trying_->attempt != attempt) {
    actions_.push_back(Release{attempt});
    return;
  }
  const bool confirmed = trying_->why == Why::confirm;
  trying_.reset();
  if (confirmed && standing_ && !challenged_) {
    challenged_ = Challenged{*std::exchange(standing_, std::nullopt), now + challenge_budget};
  }
  drop_standing();
  standing_ = attempt;
  stalled_ = false;
  if (const auto lost = std::exchange(lost_, std::nullopt)) report_restart(*lost);
  sequence_ = 0;
  // Canaries that began together do not send together.
  next_echo_ = on_grid(now + duration_cast<nanoseconds>(policy_.interval * random_()));
  backoff_ = min_backoff;
  measure(round_trip);
  report_usable(now);
  if (resting_) pause(now);
}

void CanaryState::on_echo(int attempt, std::uint64_t sequence, nanoseconds round_trip, SteadyTime now) {
  wake(now);
  if (standing_ != attempt) return;
  std::erase_if(outstanding_, [&](const Outstanding& echo) { return echo.sequence == sequence; });
  measure(round_trip);
  stalled_ = false;
  suspicion_.reset();
  if (suspects()) abandon_trying();
  report_usable(now);
  if (resting_) pause(now);
}

void CanaryState::on_heard(int attempt) {
  if (suspicion_ && suspects() && trying_->attempt == attempt) suspicion_->heard = true;
}

void CanaryState::on_failed(int attempt, const Diagnosis& diagnosis, SteadyTime now) {
  wake(now);
  actions_.push_back(Release{attempt});
  if (challenged_ && challenged_->attempt == attempt) {
    challenged_.reset();
    if (standing_ && is_restart(diagnosis.cause)) report_restart(diagnosis);
    return;
  }
  if (standing_ == attempt) {
    if (is_restart(diagnosis.cause) && !stalled_) lost_ = diagnosis;
    standing_.reset();
    outstanding_.clear();
    if (!suspicion_) suspicion_ = Suspicion{.confirm_at = now, .dead_at = now + last_chance()};
    if (!suspects()) confirm();
    return;
  }
  if (trying_ && trying_->attempt == attempt) attempt_failed(diagnosis, now);
}

void CanaryState::attempt_failed(const Diagnosis& diagnosis, SteadyTime now) {
  const auto why = std::exchange(trying_, std::nullopt)->why;
  // The standing one still echoes; renew() will be called again.
  if (why == Why::renew && standing_) return;
  if (is_timeout(diagnosis.cause) && woke_at_ && now - *woke_at_ < wake_up) {
    woke_at_.reset();
    if (!standing_) establish(Why::start, start_budget);
    return;
  }
  // It answers, or this process could not ask: its echoes may still return.
  if (standing_ && suspicion_ && now < suspicion_->dead_at && !is_absence(diagnosis.cause)) {
    if (diagnosis.cause != api::Cause::internal) suspicion_->refused = diagnosis;
    return;
  }
  die(diagnosis, now);
}

void CanaryState::die(const Diagnosis& diagnosis, SteadyTime now) {
  abandon_trying();
  drop_standing();
  lost_.reset();
  reported_usable_.reset();
  actions_.push_back(Report{false, diagnosis});
  retry_at_ = now + duration_cast<nanoseconds>(backoff_ * (1 + jitter * random_()));
  backoff_ = std::min<nanoseconds>(backoff_ * 3 / 2, max_backoff);
}

void CanaryState::renew(SteadyTime) {
  if (standing_ && !trying_ && !suspicion_) establish(Why::renew, start_budget);
}

void CanaryState::rest(bool resting, SteadyTime now) {
  wake(now);
  if (std::exchange(resting_, resting) == resting) return;
  if (resting && standing_ && !suspicion_) return pause(now);
  if (!resting && retry_at_) establish(Why::start, start_budget);
}

void CanaryState::let_go(SteadyTime now) {
  wake(now);
  if (standing_ && !suspicion_) pause(now);
}

// Nothing stands, and nothing is wrong.
void CanaryState::pause(SteadyTime now) {
  abandon_trying();
  drop_standing();
  reported_usable_.reset();
  retry_at_ = now + rest_interval;
}

void CanaryState::recheck(SteadyTime now) {
  wake(now);
  if (retry_at_) establish(Why::start, recheck_budget);
}

void CanaryState::on_time(SteadyTime now) {
  wake(now);
  if (retry_at_ && now >= *retry_at_) establish(Why::start, start_budget);
  if (challenged_ && now >= challenged_->until) {
    actions_.push_back(Release{challenged_->attempt});
    challenged_.reset();
  }
  while (!outstanding_.empty() && now >= outstanding_.front().due) {
    const auto sent = outstanding_.front().sent;
    outstanding_.erase(outstanding_.begin());
    actions_.push_back(EchoLost{});
    if (standing_ && !suspicion_) suspect(sent, now);
  }
  if (suspicion_) pursue(now);
  if (standing_ && now >= next_echo_) {
    send_echo(now);
    next_echo_ = on_grid(next_echo_ + policy_.interval);
    // After a stop of this process: no burst to catch up.
    if (next_echo_ <= now) next_echo_ = on_grid(now + policy_.interval);
  }
}

// What was awaited while this process stood still was perhaps there in time.
void CanaryState::wake(SteadyTime now) {
  const auto expected = next_timeout();
  if (expected == SteadyTime::max() || now - expected <= standstill) return;
  if (standing_ && now - expected > stall) stalled_ = true;
  woke_at_ = now;
  outstanding_.clear();
  suspicion_.reset();
  next_echo_ = std::max(next_echo_, now);
}

void CanaryState::suspect(SteadyTime since, SteadyTime now) {
  const nanoseconds patience = (policy_.misses - 1) * policy_.interval;
  Suspicion suspicion;
  suspicion.confirm_at = std::max(now, since + patience * 3 / 4);
  suspicion.dead_at = since + patience + last_chance();
  suspicion.quick_at = now;
  suspicion.quick_left = quick_echoes;
  // The last of them must have the time to return.
  const auto window = suspicion.dead_at - now - smoothed_;
  suspicion.rhythm = std::max<nanoseconds>(window / quick_echoes / grid * grid, 2 * grid);
  suspicion_ = suspicion;
}

void CanaryState::pursue(SteadyTime now) {
  if (now >= suspicion_->dead_at) {
    if (suspects() && suspicion_->heard) return;  // the fresh allocation decides
    if (suspicion_->refused) return die(Diagnosis(*suspicion_->refused), now);
    return die({api::Cause::connect_timeout, "nothing came back any more, on the standing allocation or for a new one"},
               now);
  }
  if (standing_ && suspicion_->quick_left > 0 && now >= suspicion_->quick_at) {
    --suspicion_->quick_left;
    suspicion_->quick_at = on_grid(now + suspicion_->rhythm);
    send_echo(now);
  }
  if (!suspicion_->confirming && now >= suspicion_->confirm_at) confirm();
}

SteadyTime CanaryState::next_timeout() const {
  auto next = SteadyTime::max();
  if (retry_at_) next = *retry_at_;
  if (standing_) next = std::min(next, next_echo_);
  if (!outstanding_.empty()) next = std::min(next, outstanding_.front().due);
  if (challenged_) next = std::min(next, challenged_->until);
  if (suspicion_) {
    if (!suspects() || !suspicion_->heard) next = std::min(next, suspicion_->dead_at);
    if (!suspicion_->confirming) next = std::min(next, suspicion_->confirm_at);
    if (standing_ && suspicion_->quick_left > 0) next = std::min(next, suspicion_->quick_at);
  }
  return next;
}

std::optional<CanaryState::Action> CanaryState::poll() {
  if (taken_ == actions_.size()) {
    actions_.clear();
    taken_ = 0;
    return std::nullopt;
  }
  return std::move(actions_[taken_++]);
}

void CanaryState::establish(Why why, nanoseconds budget) {
  retry_at_.reset();
  trying_ = Trying{++last_attempt_, why};
  Establish action{.attempt = last_attempt_, .budget = budget, .rto = 100ms, .resolve = why != Why::confirm};
  if (why == Why::confirm) action.rto = std::min(duration_cast<milliseconds>(loss_timeout()), milliseconds(500));
  actions_.push_back(action);
}

void CanaryState::confirm() {
  abandon_trying();
  suspicion_->confirming = true;
  if (standing_ && !stalled_) actions_.push_back(Challenge{*standing_});
  establish(Why::confirm, std::min(confirm_budget + round_trips * smoothed_, max_confirm_budget));
}

void CanaryState::send_echo(SteadyTime now) {
  outstanding_.push_back({++sequence_, now, on_grid(now + loss_timeout())});
  actions_.push_back(SendEcho{*standing_});
}

void CanaryState::abandon_trying() {
  if (trying_) actions_.push_back(Release{trying_->attempt});
  trying_.reset();
}

void CanaryState::drop_standing() {
  if (standing_) actions_.push_back(Release{*standing_});
  standing_.reset();
  outstanding_.clear();
  suspicion_.reset();
}

void CanaryState::measure(nanoseconds round_trip) {
  if (smoothed_ == 0ns) {
    smoothed_ = round_trip;
    variation_ = round_trip / 2;
    return;
  }
  const auto error = round_trip > smoothed_ ? round_trip - smoothed_ : smoothed_ - round_trip;
  variation_ += (error - variation_) / 4;
  smoothed_ += (round_trip - smoothed_) / 8;
}

void CanaryState::report_usable(SteadyTime now) {
  if (reported_usable_ && now - *reported_usable_ < report_interval) return;
  reported_usable_ = now;
  actions_.push_back(Report{true, {}});
}

void CanaryState::report_restart(const Diagnosis& diagnosis) {
  reported_usable_.reset();
  actions_.push_back(Report{false, diagnosis});
}

nanoseconds CanaryState::loss_timeout() const {
  return std::clamp(smoothed_ + 4 * variation_, min_loss_timeout, max_loss_timeout);
}

nanoseconds CanaryState::last_chance() const {
  return after_last_miss + loss_timeout() + 4 * std::max<nanoseconds>(0ns, smoothed_ - short_round_trip);
}

}  // namespace turnkeeper::monitor
