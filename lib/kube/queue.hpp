// The work queue of a controller: names of things to look at, each at most once at a time.
//
//   WorkQueue<ObjectKey> queue(real_clock());
//   queue.add(key);                               // any thread, any number of times
//   while (auto key = queue.pop(stop)) {          // a worker
//     if (reconcile(*key)) queue.forget(*key); else queue.add_after_failure(*key);
//     queue.done(*key);
//   }
//
// A key added while it is being worked on comes again after done(). What is begun now stands for what was asked for
// later: work that needs to be repeated at some time says so each time. Failures wait 5 ms doubling to 1000 s for each
// key, and all of them together 10 a second with bursts of 100. Thread-safe. Time comes from the clock; only pop()
// waits.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <utility>
#include <vector>

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::kube {

// Delays for repeated work; not thread-safe.
template <class Key>
class RetryDelays {
 public:
  using Duration = SteadyTime::duration;

  // The wait before the next try of this key, and one token of the overall bucket.
  Duration next(const Key& key, SteadyTime now) {
    int& failures = failures_[key];
    Duration own = std::chrono::milliseconds(5) * (1LL << std::min(failures, 30));
    own = std::min<Duration>(own, std::chrono::seconds(1000));
    ++failures;
    return std::max(own, take_token(now));
  }
  void forget(const Key& key) { failures_.erase(key); }
  [[nodiscard]] int failures(const Key& key) const {
    const auto it = failures_.find(key);
    return it == failures_.end() ? 0 : it->second;
  }

 private:
  static constexpr int burst = 100;
  static constexpr Duration interval = std::chrono::milliseconds(100);

  // A bucket kept as the time at which it was, or will be, empty.
  Duration take_token(SteadyTime now) {
    empty_at_ = std::max(empty_at_, now - burst * interval) + interval;
    return std::max(Duration(0), empty_at_ - now);
  }

  std::map<Key, int> failures_;
  SteadyTime empty_at_{};
};

// What a queue tells about itself, for metrics. Called with the queue's lock held: do not call the queue from it.
class QueueObserver {
 public:
  virtual ~QueueObserver() = default;
  virtual void added() = 0;
  virtual void retried() = 0;
  virtual void started(std::chrono::duration<double> waited) = 0;
  virtual void finished(std::chrono::duration<double> worked) = 0;
};

template <class Key>
class WorkQueue {
 public:
  // `clock` and `observer` (may be null) must outlive it.
  explicit WorkQueue(const Clock& clock, QueueObserver* observer = nullptr) : clock_(clock), observer_(observer) {}

  void add(const Key& key) {
    std::lock_guard lock(mutex_);
    add_locked(key);
  }

  // Not before `delay`; the earlier of two requests counts.
  void add_after(const Key& key, SteadyTime::duration delay) {
    std::lock_guard lock(mutex_);
    if (delay.count() <= 0) return add_locked(key);
    const SteadyTime at = clock_.steady() + delay;
    const auto [it, fresh] = later_.try_emplace(key, at);
    if (!fresh) {
      if (it->second <= at) return;
      due_.erase({it->second, key});
      it->second = at;
    }
    due_.emplace(at, key);
    wake_locked();
  }

  void add_after_failure(const Key& key) {
    SteadyTime::duration delay;
    {
      std::lock_guard lock(mutex_);
      delay = delays_.next(key, clock_.steady());
      if (observer_ != nullptr) observer_->retried();
    }
    add_after(key, delay);
  }

  // It worked: its next failure waits 5 ms again.
  void forget(const Key& key) {
    std::lock_guard lock(mutex_);
    delays_.forget(key);
  }

  void done(const Key& key) {
    std::lock_guard lock(mutex_);
    const auto it = working_.find(key);
    if (it == working_.end()) return;
    if (observer_ != nullptr) observer_->finished(clock_.steady() - it->second);
    working_.erase(it);
    if (waiting_.contains(key)) {
      ready_.push_back(key);
      wake_locked();
    }
  }

  // Nothing when nothing is due.
  [[nodiscard]] std::optional<Key> try_pop() {
    std::lock_guard lock(mutex_);
    return pop_locked();
  }

  // Blocks until something is due; nothing after stop.
  [[nodiscard]] std::optional<Key> pop(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      if (auto key = pop_locked()) return key;
      const auto due = next_due_locked();
      const auto changed = [this, seen = changes_] { return changes_ != seen; };
      if (due) {
        changed_.wait_until(lock, stop, *due, changed);
      } else {
        changed_.wait(lock, stop, changed);
      }
    }
    return std::nullopt;
  }

  // Keys that are due and not being worked on.
  [[nodiscard]] std::size_t depth() const {
    std::lock_guard lock(mutex_);
    return ready_.size();
  }
  // How long each key in work has been worked on.
  [[nodiscard]] std::vector<std::chrono::duration<double>> in_work() const {
    std::lock_guard lock(mutex_);
    std::vector<std::chrono::duration<double>> out;
    for (const auto& [key, since] : working_) out.emplace_back(clock_.steady() - since);
    return out;
  }

 private:
  void add_locked(const Key& key) {
    if (!waiting_.try_emplace(key, clock_.steady()).second) return;
    if (observer_ != nullptr) observer_->added();
    if (working_.contains(key)) return;
    ready_.push_back(key);
    wake_locked();
  }

  void wake_locked() {
    ++changes_;
    changed_.notify_all();
  }

  std::optional<Key> pop_locked() {
    const SteadyTime now = clock_.steady();
    while (!due_.empty() && due_.begin()->first <= now) {
      const Key key = due_.begin()->second;
      due_.erase(due_.begin());
      later_.erase(key);
      add_locked(key);
    }
    if (ready_.empty()) return std::nullopt;
    Key key = ready_.front();
    ready_.pop_front();
    if (const auto later = later_.find(key); later != later_.end()) {
      due_.erase({later->second, key});
      later_.erase(later);
    }
    const auto waited = waiting_.find(key);
    if (observer_ != nullptr) observer_->started(now - waited->second);
    waiting_.erase(waited);
    working_.emplace(key, now);
    return key;
  }

  [[nodiscard]] std::optional<SteadyTime> next_due_locked() const {
    return due_.empty() ? std::nullopt : std::optional(due_.begin()->first);
  }

  const Clock& clock_;
  QueueObserver* observer_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Key> ready_;                     // due, in order
  std::map<Key, SteadyTime> waiting_;         // asked for since then, and not yet started
  std::map<Key, SteadyTime> working_;         // being worked on since then
  std::map<Key, SteadyTime> later_;           // due at that time
  std::set<std::pair<SteadyTime, Key>> due_;  // the same by time
  RetryDelays<Key> delays_;
  std::uint64_t changes_ = 0;  // pop() sleeps until it differs
};

}  // namespace turnkeeper::kube
