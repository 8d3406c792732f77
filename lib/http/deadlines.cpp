#include "turnkeeper/http/deadlines.hpp"

#include <algorithm>

#include "turnkeeper/http/server.hpp"

namespace turnkeeper::http {
namespace {

using std::chrono::milliseconds;

// In one go; then everybody else on this io_context has a turn.
constexpr int most_at_once = 256;

}  // namespace

Deadlines::Deadlines(boost::asio::io_context& io, const Limits& limits)
    : timer_(io),
      lengths_{limits.request_timeout, limits.idle_timeout, limits.write_timeout, limits.heartbeat,
               std::min(limits.request_timeout, milliseconds(1000))},
      slack_(std::clamp(*std::ranges::min_element(lengths_) / 10, milliseconds(1), milliseconds(100))) {}

void Deadlines::set(Waiting& waiting, Wait wait) {
  const auto kind = static_cast<std::size_t>(wait);
  waiting.unlink();
  waiting.due_ = std::chrono::steady_clock::now() + lengths_[kind];
  lists_[kind].push_back(waiting);
  arm(waiting.due_);
}

Waiting* Deadlines::longest(Wait wait) {
  auto& list = lists_[static_cast<std::size_t>(wait)];
  return list.empty() ? nullptr : &list.front();
}

void Deadlines::stop() {
  stopped_ = true;
  timer_.cancel();
}

void Deadlines::arm(SteadyTime due) {
  if (due >= armed_ || stopped_) return;
  armed_ = due;
  timer_.expires_at(due + slack_);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    if (const auto self = weak.lock(); self && !error) self->sweep();
  });
}

void Deadlines::sweep() {
  const auto now = std::chrono::steady_clock::now();
  armed_ = SteadyTime::min();  // while lists change, nothing is armed
  int left = most_at_once;
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    auto& list = lists_.at(kind);
    for (; left > 0 && !list.empty() && list.front().due_ <= now; --left) {
      Waiting& waiting = list.front();
      waiting.unlink();
      waiting.on_due(static_cast<Wait>(kind));
    }
  }
  armed_ = SteadyTime::max();
  for (auto& list : lists_) {
    if (!list.empty()) arm(list.front().due_);
  }
}

}  // namespace turnkeeper::http
