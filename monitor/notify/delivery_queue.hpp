// What one receiver is told, and when: which notifications are worth a message, in which order they go out, when one is
// tried again, and when there are too many. Pure: time and randomness are passed in.
//
//   DeliveryQueue queue({.max_per_hour = 20});
//   queue.add(notification, now);
//   if (auto message = queue.next(now)) queue.finished(send(*message), now, random_unit());
//   wait_until(queue.next_time());
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "monitor/notify/notification.hpp"

namespace turnkeeper::monitor {

// What became of one attempt.
struct Delivery {
  enum class Result {
    accepted,
    retry,    // nobody there, too busy, or broken for the moment
    refused,  // the same message will not be accepted later either
  };
  Result result = Result::accepted;
  std::optional<std::chrono::seconds> retry_after;  // what the receiver asked for
};

class DeliveryQueue {
 public:
  struct Policy {
    Severity min_severity = Severity::warning;
    bool resolved = true;
    std::size_t max_per_hour = 20;  // critical ones are held back only beyond twice that
    std::size_t capacity = 256;
    std::chrono::milliseconds first_pause{1000};  // doubled with each attempt, with jitter
    std::chrono::milliseconds longest_pause{300'000};
    std::chrono::seconds give_up{3600};
  };
  struct Counts {
    std::uint64_t sent = 0;
    std::uint64_t failed = 0;
    std::uint64_t dropped = 0;
    std::uint64_t held = 0;
  };

  explicit DeliveryQueue(Policy policy) : policy_(policy) {}
  void set_policy(Policy policy) { policy_ = policy; }

  // Dropped without a trace: what is below min_severity, what was told already, the end of what was never told.
  void add(const Notification& notification, SteadyTime now);

  // What to send now. The same one until finished().
  [[nodiscard]] std::optional<Notification> next(SteadyTime now);
  // `unit`: random, in [0, 1). Returns whether it was given up for good.
  bool finished(const Delivery& delivery, SteadyTime now, double unit);
  // When next() may have something; nothing: not before another add().
  [[nodiscard]] std::optional<SteadyTime> next_time() const;

  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] int attempts() const { return attempts_; }  // of the first in the queue

 private:
  struct Queued {
    Notification notification;
    SteadyTime added;
  };
  struct Told {
    Severity severity;
    std::string title;
  };

  [[nodiscard]] bool is_news(const Notification& notification);
  void enqueue(Notification notification, SteadyTime now);
  void forget_admitted(SteadyTime now);
  void release_held(SteadyTime now);
  void drop_front();

  Policy policy_;
  std::deque<Queued> queue_;
  SteadyTime due_;  // of the first in the queue
  int attempts_ = 0;
  std::map<std::string, Told> told_;  // by key: what has begun and is not over
  std::deque<SteadyTime> admitted_;   // during the last hour
  std::deque<std::string> held_;      // the newest titles of those held back
  std::size_t held_count_ = 0;
  Counts counts_;
};

}  // namespace turnkeeper::monitor
