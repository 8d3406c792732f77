#include "turnkeeper/turn/timer_wheel.hpp"

#include <algorithm>

namespace turnkeeper::turn {
namespace {

std::int64_t now_tick() {
  return std::chrono::steady_clock::now().time_since_epoch() / TimerWheel::tick;
}

// The object around a timer follows it in memory.
void prefetch(const TimerWheel::Timer& timer) {
  constexpr int lines = 8;
  const char* start = reinterpret_cast<const char*>(&timer);
  for (int i = 0; i < lines; ++i) __builtin_prefetch(start + i * 64);
}

}  // namespace

boost::asio::execution_context::id TimerWheel::id;

TimerWheel& TimerWheel::of(const boost::asio::any_io_executor& executor) {
  auto& wheel = boost::asio::use_service<TimerWheel>(executor.context());
  if (!wheel.timer_) wheel.timer_.emplace(executor);
  return wheel;
}

void TimerWheel::Timer::set(SteadyTime at) {
  const auto since = at.time_since_epoch();
  std::int64_t tick = since / TimerWheel::tick + (since % TimerWheel::tick > since.zero() ? 1 : 0);
  if (wheel_.count_ == 0 && !wheel_.turning_) wheel_.turned_to_ = now_tick();
  tick = std::max(tick, wheel_.turned_to_ + 1);
  if (tick == tick_) return;
  if (tick_ != 0) wheel_.unlink(*this);
  tick_ = tick;
  wheel_.link(*this);
  if (wheel_.armed_for_ == 0 || tick < wheel_.armed_for_) wheel_.arm();
}

void TimerWheel::Timer::clear() {
  if (tick_ == 0) return;
  wheel_.unlink(*this);
  if (wheel_.count_ == 0) wheel_.arm();
}

void TimerWheel::link(Timer& timer) {
  const auto slot = static_cast<std::size_t>(timer.tick_ % slots);
  timer.next_ = wheel_[slot];
  timer.link_ = &wheel_[slot];
  if (timer.next_ != nullptr) timer.next_->link_ = &timer.next_;
  wheel_[slot] = &timer;
  used_.set(slot);
  ++count_;
}

void TimerWheel::unlink(Timer& timer) {
  *timer.link_ = timer.next_;
  if (timer.next_ != nullptr) timer.next_->link_ = timer.link_;
  const auto slot = static_cast<std::size_t>(timer.tick_ % slots);
  if (wheel_[slot] == nullptr) used_.reset(slot);
  timer.tick_ = 0;
  --count_;
}

void TimerWheel::arm() {
  if (turning_ || !timer_) return;
  if (count_ == 0) {
    // Nothing to wait for: an io_context with no other work may end.
    if (armed_for_ != 0) timer_->cancel();
    armed_for_ = 0;
    return;
  }
  std::int64_t next = turned_to_ + 1;
  while (!used_.test(static_cast<std::size_t>(next % slots))) ++next;
  if (armed_for_ != 0 && armed_for_ <= next) return;
  armed_for_ = next;
  timer_->expires_at(SteadyTime(next * tick));
  timer_->async_wait(with_memory(*memory_, [this, memory = memory_, next](const boost::system::error_code& error) {
    // A timer that was set anew while this handler was already queued reports no error.
    if (!error && armed_for_ == next) turn();
  }));
}

void TimerWheel::turn() {
  armed_for_ = 0;
  turning_ = true;
  const std::int64_t now = now_tick();
  for (std::int64_t at = std::max(turned_to_ + 1, now - slots + 1); at <= now; ++at) {
    turned_to_ = at;
    const auto slot = static_cast<std::size_t>(at % slots);
    if (!used_.test(slot)) continue;
    // What is due, away from the slot: a callback may change both.
    Timer* due = nullptr;
    for (Timer* timer = wheel_[slot]; timer != nullptr;) {
      Timer* const next = timer->next_;
      if (timer->tick_ <= now) {
        unlink(*timer);
        timer->tick_ = at;
        timer->next_ = due;
        timer->link_ = &due;
        if (due != nullptr) due->link_ = &timer->next_;
        due = timer;
        ++count_;
      }
      timer = next;
    }
    while (due != nullptr) {
      Timer& timer = *due;
      unlink(timer);
      // With a thousand of them, what the next one is part of has long left the cache.
      if (due != nullptr) prefetch(*due);
      timer.on_time();
    }
  }
  turned_to_ = std::max(turned_to_, now);
  turning_ = false;
  arm();
}

}  // namespace turnkeeper::turn
