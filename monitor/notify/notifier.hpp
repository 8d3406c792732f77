// Tells people without Prometheus: webhooks when an incident begins and ends, and when a region fails over and returns.
//
//   Notifier notifier({.vantage = "laptop", .status_url = "https://monitor.example.org/"}, clock);
//   notifier.set_receivers(config.receivers);       // again after each reload; what is queued stays queued
//   notifier.notify(failover_notification(failover, started));
//
// Each receiver has a bounded queue and a thread of its own, so that one that hangs delays nobody else. A message is
// tried again after a failure, with growing pauses and Retry-After honoured, for up to an hour. Messages go out in
// order. URLs and headers are never logged. notify() and set_receivers() return at once; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "monitor/notify/notification.hpp"
#include "monitor/notify/receiver.hpp"
#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::monitor {

class Notifier {
 public:
  struct Options {
    std::string vantage;
    std::string status_url;  // linked from each message; empty: no link
  };
  // Of one receiver, since it was first configured.
  struct Counts {
    std::string receiver;
    std::uint64_t sent = 0;
    std::uint64_t failed = 0;   // given up: refused for good, or not accepted within an hour
    std::uint64_t dropped = 0;  // the queue was full
    std::uint64_t held = 0;     // over max_per_hour; a summary tells of them
  };

  Notifier(Options options, const Clock& clock);
  // Gives what is being sent 2 s to end.
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void set_receivers(std::vector<Receiver> receivers);
  void notify(const Notification& notification);
  [[nodiscard]] std::vector<Counts> counts() const;

 private:
  class Courier;
  const Options options_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Courier>> couriers_;
};

// `turnkeeper-monitor --test-notification NAME`: sends one message now and waits for the answer. The error says what
// the receiver answered or why it was not reached, never the URL.
[[nodiscard]] Result<> send_test_notification(const Receiver& receiver, const Notifier::Options& options,
                                              const Clock& clock, Deadline deadline);

}  // namespace turnkeeper::monitor
