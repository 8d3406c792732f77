// Whether a provider is asked, and when again: closed while it answers, open once it has failed, half-open while one
// question finds out whether it is back. Pure: the caller owns the time and the dice.
//
//   Breaker breaker;
//   auto answer = ask();
//   if (answer) breaker.answered(); else wait(breaker.failed({.refused = status == 401, .retry_after = {}}, dice()));
//   breaker.ask_again();                    // right before each question
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace turnkeeper::monitor {

class Breaker {
 public:
  enum class State { closed, open, half_open };
  struct Pace {
    int failures = 3;                              // in a row until it opens
    std::chrono::milliseconds first_pause{1'000};  // doubled with each failure, half of it by luck
    std::chrono::milliseconds first_open{30'000};  // the same while it is open
    std::chrono::milliseconds longest{300'000};
  };
  struct Failure {
    bool refused = false;  // the key, the account or the request is wrong: asking again soon changes nothing
    std::optional<std::chrono::milliseconds> retry_after;  // the provider says so
  };

  Breaker() = default;
  explicit Breaker(const Pace& pace) : pace_(pace) {}

  void answered();
  // How long nothing is to be asked. `luck`: 0 to 1.
  [[nodiscard]] std::chrono::milliseconds failed(const Failure& failure, double luck);
  void ask_again();

  [[nodiscard]] State state() const { return state_; }

 private:
  Pace pace_;
  State state_ = State::closed;
  int failures_ = 0;  // in a row
  int opened_ = 0;    // in a row
};

[[nodiscard]] std::string_view breaker_state_name(Breaker::State state);  // "closed", "open", "half-open"

}  // namespace turnkeeper::monitor
