// What a canary does and when, without doing it: echoes, misses, suspicion, the confirming allocation, backoff. Pure:
// results and time go in, actions come out. canary.hpp carries the actions out.
//
// The first echo that is missed starts a suspicion, which ends with the first sign of life:
//   - echoes follow in a quicker rhythm, a couple of dozen until the end of the suspicion;
//   - three quarters of the way to the last miss that is allowed, a fresh allocation is made from another port. When it
//     succeeds, it becomes the new standing one; so does the one that replaces an allocation whose credential ages,
//     before the old one is let go;
//   - when nothing at all came back until the end, the relay is dead. One that answered the fresh allocation, with a
//     challenge say, is given more time, and is judged by what becomes of that allocation.
// The end comes 340 ms after the first missed echo was sent, with 100 ms between echoes and 3 misses allowed, on a path
// with a negligible round trip; 390 ms at 60 ms. So death is known within 100 ms more.
//
// A packet that comes back runs four times the risk of being lost: with 20 % loss near the vantage an echo returns with
// a probability of 0.64, if losses are independent. A living relay is then believed dead when 27 echoes in a row get
// lost, three regular ones and 24 quick ones: 0.36^27, or once in 10^6 days for a vantage that is alone.
//
// A relay that was restarted between two echoes answers the fresh allocation, but every call on it was cut. So the
// relay is asked for the silent allocation too; when it knows nothing of it, that is reported before it counts as
// usable.
//
// Time in which this process stood still (SIGSTOP, a suspended machine) is nobody's silence: what was awaited
// meanwhile is forgotten, and asked for anew.
//
//   CanaryState state(policy, now, random_unit);
//   while (auto action = state.poll()) carry_out(*action);
//   ... state.on_echo(attempt, sequence, rtt, now), state.on_failed(...), state.on_time(now) at state.next_timeout()
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "monitor/probe/cause.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

struct CanaryPolicy {
  std::chrono::milliseconds interval{100};  // between two echoes
  int misses = 3;                           // echoes that may be lost in a row
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
  // What is known now. Usable is reported with the echoes, at most each second, and on change; unusable after the
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
  // The relay answered something while it is being made: it lives. Only worth saying while suspects().
  void on_heard(int attempt);
  // It could not be made, or it stood and is lost.
  void on_failed(int attempt, const Diagnosis& diagnosis, SteadyTime now);
  // Replace the standing allocation by a fresh one, without a gap. Does nothing unless one stands undisturbed.
  void renew(SteadyTime now);
  // Try again now instead of waiting out the pause, if one is being waited out: the fault was this vantage's.
  void recheck(SteadyTime now);
  // While it rests, each allocation that stands is given up at once, and the next one is made a second later.
  void rest(bool resting, SteadyTime now);
  // Gives the standing allocation up, as one that a relay which refuses new ones should not have to wait for.
  void let_go(SteadyTime now);
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
    SteadyTime sent;
    SteadyTime due;
  };
  struct Suspicion {
    SteadyTime confirm_at;  // when a fresh allocation is asked for
    SteadyTime dead_at;     // when nothing came back until then, the relay is dead
    SteadyTime quick_at;    // the next echo of the quicker rhythm
    std::chrono::nanoseconds rhythm{0};
    int quick_left = 0;
    bool confirming = false;
    bool heard = false;                // the fresh allocation was answered, with whatever
    std::optional<Diagnosis> refused;  // ... and refused
  };

  void wake(SteadyTime now);
  void suspect(SteadyTime since, SteadyTime now);
  void pursue(SteadyTime now);
  void confirm();
  void establish(Why why, std::chrono::nanoseconds budget);
  void send_echo(SteadyTime now);
  void abandon_trying();
  void drop_standing();
  void die(const Diagnosis& diagnosis, SteadyTime now);
  void attempt_failed(const Diagnosis& diagnosis, SteadyTime now);
  void measure(std::chrono::nanoseconds round_trip);
  void report_usable(SteadyTime now);
  void report_restart(const Diagnosis& diagnosis);
  void pause(SteadyTime now);
  [[nodiscard]] std::chrono::nanoseconds loss_timeout() const;
  [[nodiscard]] std::chrono::nanoseconds last_chance() const;

  CanaryPolicy policy_;
  std::function<double()> random_;
  int last_attempt_ = 0;
  std::optional<Trying> trying_;
  std::optional<int> standing_;
  std::optional<Challenged> challenged_;  // stood until a fresh one replaced it; its answer is still awaited
  std::optional<Diagnosis> lost_;         // the relay lost the standing one, seen while the fresh one is being made
  bool resting_ = false;
  bool stalled_ = false;                // this process stood still: an allocation may have expired meanwhile
  std::optional<SteadyTime> woke_at_;   // ... until then
  std::optional<SteadyTime> retry_at_;  // set: dead, waiting
  std::chrono::nanoseconds backoff_;

  SteadyTime next_echo_;
  std::uint64_t sequence_ = 0;
  std::vector<Outstanding> outstanding_;  // oldest first
  std::optional<Suspicion> suspicion_;

  std::chrono::nanoseconds smoothed_{0};  // round trip and its variation, as in RFC 6298; 0: never measured
  std::chrono::nanoseconds variation_{0};
  std::optional<SteadyTime> reported_usable_;
  // Taken from the front by poll(); emptied when all are taken, so that an echo costs no memory.
  std::vector<Action> actions_;
  std::size_t taken_ = 0;
};

}  // namespace turnkeeper::monitor
