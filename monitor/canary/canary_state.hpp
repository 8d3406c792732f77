// What a canary does and when, without doing it: echoes, misses, suspicion, the confirming allocation, backoff. Pure:
// results and time go in, actions come out. canary.hpp carries the actions out.
//
// A relay is believed dead only when its echoes stopped (or the path refused one) *and* a fresh allocation from another
// port failed too. That allocation, when it succeeds, becomes the new standing one; so does the one that replaces an
// allocation whose credential ages, before the old one is let go.
//
// A relay that was restarted between two echoes answers the fresh allocation, but every call on it was cut. So the
// relay is asked for the silent allocation too; when it knows nothing of it, that is reported before it counts as
// usable.
//
//   CanaryState state(policy, now, random_unit);
//   while (auto action = state.poll()) carry_out(*action);
//   ... state.on_echo(attempt, sequence, rtt, now), state.on_failed(...), state.on_time(now) at state.next_timeout()
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "monitor/probe/cause.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

struct CanaryPolicy {
  std::chrono::milliseconds interval{100};  // between two echoes
  int misses = 3;                           // echoes lost in a row before suspicion
};

class CanaryState {
 public:
  // Make an allocation, on a fresh port; an attempt's number names it from then on.
  struct Establish {
    int attempt = 0;
    std::chrono::nanoseconds budget{0};  // from now to the first echo
    std::chrono::milliseconds rto{0};
    bool resolve = false;  // ask for the relay's address again; otherwise there is no time for it
  };
  struct SendEcho {
    int attempt = 0;
  };
  // Ask the relay whether it still has that attempt's allocation: on_failed() with Cause::restarted when it has not.
  struct Challenge {
    int attempt = 0;
  };
  // Give an attempt's allocation up.
  struct Release {
    int attempt = 0;
  };
  // What is known now. Usable is reported with the echoes, at most every 100 ms, and on change; unusable after the
  // confirmation and again with each attempt that fails.
  struct Report {
    bool usable = false;
    Diagnosis diagnosis;  // unless usable
  };
  // One echo did not come back in time.
  struct EchoLost {};
  using Action = std::variant<Establish, SendEcho, Challenge, Release, Report, EchoLost>;

  // `random` gives [0, 1): for jitter.
  CanaryState(CanaryPolicy policy, SteadyTime now, std::function<double()> random);

  // The allocation stands and its first echo came back.
  void on_standing(int attempt, std::chrono::nanoseconds round_trip, SteadyTime now);
  // The sequence counts the attempt's SendEcho from 1.
  void on_echo(int attempt, std::uint64_t sequence, std::chrono::nanoseconds round_trip, SteadyTime now);
  // It could not be made, or it stood and is lost.
  void on_failed(int attempt, const Diagnosis& diagnosis, SteadyTime now);
  // Replace the standing allocation by a fresh one, without a gap. Does nothing unless one stands undisturbed.
  void renew(SteadyTime now);
  void on_time(SteadyTime now);

  [[nodiscard]] SteadyTime next_timeout() const;
  [[nodiscard]] std::optional<Action> poll();

  [[nodiscard]] bool suspects() const { return trying_ && trying_->why == Why::confirm; }

 private:
  enum class Why { start, confirm, renew };
  struct Trying {
    int attempt = 0;
    Why why = Why::start;
  };
  struct Challenged {
    int attempt = 0;
    SteadyTime until;
  };
  struct Outstanding {
    std::uint64_t sequence = 0;
    SteadyTime due;
  };

  void establish(Why why);
  void confirm();
  void abandon_trying();
  void drop_standing();
  void measure(std::chrono::nanoseconds round_trip);
  void echo_came(SteadyTime now);
  void report_usable(SteadyTime now);
  void report_restart(const Diagnosis& diagnosis);
  [[nodiscard]] std::chrono::nanoseconds loss_timeout() const;

  CanaryPolicy policy_;
  std::function<double()> random_;
  int last_attempt_ = 0;
  std::optional<Trying> trying_;
  std::optional<int> standing_;
  std::optional<Challenged> challenged_;  // stood until a fresh one replaced it; its answer is still awaited
  std::optional<Diagnosis> lost_;         // the relay lost the standing one, seen while the fresh one is being made
  bool stalled_ = false;                  // this process stood still: an allocation may have expired meanwhile
  std::optional<SteadyTime> retry_at_;    // set: dead, waiting
  std::chrono::nanoseconds backoff_;

  SteadyTime next_echo_;
  std::uint64_t sequence_ = 0;
  std::deque<Outstanding> outstanding_;
  int misses_ = 0;

  std::chrono::nanoseconds smoothed_{0};  // round trip and its variation, as in RFC 6298; 0: never measured
  std::chrono::nanoseconds variation_{0};
  std::optional<SteadyTime> reported_usable_;
  std::deque<Action> actions_;
};

}  // namespace turnkeeper::monitor
