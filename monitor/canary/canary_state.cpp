#include "monitor/canary/canary_state.hpp"

#include <algorithm>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Detection on a LAN, from the relay's death: up to one interval until the next echo, two more echoes, 30 ms for the
// third to be lost, 140 ms to confirm: at most 470 ms with 100 ms between echoes.
constexpr nanoseconds min_loss_timeout = 30ms;
constexpr nanoseconds max_loss_timeout = 1s;
constexpr nanoseconds confirm_budget = 140ms;
// Allocate twice, ChannelBind, echo, and two to spare for a datagram that is lost.
constexpr int round_trips = 6;
constexpr nanoseconds max_confirm_budget = 3s;
constexpr nanoseconds start_budget = 2s;
constexpr nanoseconds min_backoff = 1s;
constexpr nanoseconds max_backoff = 5s;
constexpr double jitter = 0.25;
constexpr nanoseconds report_interval = 100ms;
// For the answer to a challenge, after the fresh allocation stands.
constexpr nanoseconds challenge_budget = 1s;
// Longer without looking at the time: this process stood still.
constexpr nanoseconds stall = 5s;

// Only a relay that forgot its allocations answers so, or one whose port nobody listened on.
bool is_restart(api::Cause cause) {
  return cause == api::Cause::restarted || cause == api::Cause::connect;
}

}  // namespace

CanaryState::CanaryState(CanaryPolicy policy, SteadyTime now, std::function<double()> random)
    : policy_(policy), random_(std::move(random)), backoff_(min_backoff), next_echo_(now) {
  establish(Why::start);
}

void CanaryState::on_standing(int attempt, nanoseconds round_trip, SteadyTime now) {
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
  next_echo_ = now + policy_.interval;
  backoff_ = min_backoff;
  measure(round_trip);
  echo_came(now);
}

void CanaryState::on_echo(int attempt, std::uint64_t sequence, nanoseconds round_trip, SteadyTime now) {
  if (standing_ != attempt) return;
  std::erase_if(outstanding_, [&](const Outstanding& echo) { return echo.sequence == sequence; });
  measure(round_trip);
  if (suspects()) abandon_trying();
  echo_came(now);
}

void CanaryState::echo_came(SteadyTime now) {
  misses_ = 0;
  report_usable(now);
}

void CanaryState::on_failed(int attempt, const Diagnosis& diagnosis, SteadyTime now) {
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
    misses_ = 0;
    if (!suspects()) confirm();
    return;
  }
  if (!trying_ || trying_->attempt != attempt) return;
  const bool renewal = trying_->why == Why::renew;
  trying_.reset();
  // The standing one still echoes; renew() will be called again.
  if (renewal && standing_) return;
  drop_standing();
  lost_.reset();
  reported_usable_.reset();
  actions_.push_back(Report{false, diagnosis});
  retry_at_ = now + duration_cast<nanoseconds>(backoff_ * (1 + jitter * random_()));
  backoff_ = std::min<nanoseconds>(backoff_ * 3 / 2, max_backoff);
}

void CanaryState::renew(SteadyTime) {
  if (standing_ && !trying_ && misses_ == 0) establish(Why::renew);
}

void CanaryState::on_time(SteadyTime now) {
  if (retry_at_ && now >= *retry_at_) establish(Why::start);
  if (challenged_ && now >= challenged_->until) {
    actions_.push_back(Release{challenged_->attempt});
    challenged_.reset();
  }
  if (standing_ && now - next_echo_ > stall) stalled_ = true;
  while (!outstanding_.empty() && now >= outstanding_.front().due) {
    outstanding_.pop_front();
    ++misses_;
    actions_.push_back(EchoLost{});
  }
  if (!standing_) return;
  if (misses_ >= policy_.misses && !suspects()) confirm();
  if (now >= next_echo_) {
    outstanding_.push_back({++sequence_, now + loss_timeout()});
    actions_.push_back(SendEcho{*standing_});
    next_echo_ += policy_.interval;
    // After a stop of this process: no burst to catch up.
    if (next_echo_ <= now) next_echo_ = now + policy_.interval;
  }
}

SteadyTime CanaryState::next_timeout() const {
  auto next = SteadyTime::max();
  if (retry_at_) next = *retry_at_;
  if (standing_) next = std::min(next, next_echo_);
  if (!outstanding_.empty()) next = std::min(next, outstanding_.front().due);
  if (challenged_) next = std::min(next, challenged_->until);
  return next;
}

std::optional<CanaryState::Action> CanaryState::poll() {
  if (actions_.empty()) return std::nullopt;
  auto action = std::move(actions_.front());
  actions_.pop_front();
  return action;
}

void CanaryState::establish(Why why) {
  retry_at_.reset();
  trying_ = Trying{++last_attempt_, why};
  Establish action{.attempt = last_attempt_, .budget = start_budget, .rto = 100ms, .resolve = why != Why::confirm};
  if (why == Why::confirm) {
    action.budget = std::min(confirm_budget + round_trips * smoothed_, max_confirm_budget);
    action.rto = std::clamp(duration_cast<milliseconds>(2 * smoothed_), 30ms, 500ms);
  }
  actions_.push_back(action);
}

void CanaryState::confirm() {
  abandon_trying();
  if (standing_ && !stalled_) actions_.push_back(Challenge{*standing_});
  establish(Why::confirm);
}

void CanaryState::abandon_trying() {
  if (trying_) actions_.push_back(Release{trying_->attempt});
  trying_.reset();
}

void CanaryState::drop_standing() {
  if (standing_) actions_.push_back(Release{*standing_});
  standing_.reset();
  outstanding_.clear();
  misses_ = 0;
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

}  // namespace turnkeeper::monitor
