#include "monitor/provider/breaker.hpp"

#include <algorithm>

namespace turnkeeper::monitor {
namespace {

using std::chrono::milliseconds;

milliseconds doubled(milliseconds first, int times, milliseconds longest) {
  for (; times > 0 && first < longest; --times) first *= 2;
  return std::min(first, longest);
}

}  // namespace

void Breaker::answered() {
  state_ = State::closed;
  failures_ = opened_ = 0;
}

milliseconds Breaker::failed(const Failure& failure, double luck) {
  ++failures_;
  const bool opens = state_ != State::closed || failure.refused || failure.retry_after || failures_ >= pace_.failures;
  if (opens) state_ = State::open;
  const auto pause = opens ? doubled(pace_.first_open, opened_++, pace_.longest)
                           : doubled(pace_.first_pause, failures_ - 1, pace_.longest);
  const auto with_luck =
      pause / 2 + milliseconds(static_cast<std::int64_t>(luck * static_cast<double>(pause.count()) / 2));
  return failure.retry_after ? std::max(*failure.retry_after, milliseconds(1)) : with_luck;
}

void Breaker::ask_again() {
  if (state_ == State::open) state_ = State::half_open;
}

std::string_view breaker_state_name(Breaker::State state) {
  switch (state) {
    case Breaker::State::closed:
      return "closed";
    case Breaker::State::open:
      return "open";
    case Breaker::State::half_open:
      break;
  }
  return "half-open";
}

}  // namespace turnkeeper::monitor
