// Work that each of many keys has due at a time of its own, with one timer for all.
//
//   DueWork<RelayId> polls(executor, clock, [&](const RelayId& id) { poll(id); polls.set(id, later); });
//   polls.set(id, clock.steady());
//
// Runs on one single-threaded executor; nothing is called from within a call, or after stop() or destruction.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

template <class Key>
class DueWork {
 public:
  // The clock outlives it; its steady time must be the machine's.
  DueWork(const boost::asio::any_io_executor& executor, const Clock& clock, std::function<void(const Key&)> begin)
      : clock_(clock), begin_(std::move(begin)), timer_(executor) {}

  // Anew, if it waits already. When its time has come it waits no longer.
  void set(const Key& key, SteadyTime due) {
    erase(key);
    waiting_.emplace(key, due);
    order_.emplace(due, key);
    arm();
  }
  void erase(const Key& key) {
    const auto found = waiting_.find(key);
    if (found == waiting_.end()) return;
    order_.erase({found->second, key});
    waiting_.erase(found);
  }
  void stop() {
    waiting_.clear();
    order_.clear();
    timer_.cancel();
  }

 private:
  void arm() {
    if (order_.empty() || (armed_ && *armed_ <= order_.begin()->first)) return;
    armed_ = order_.begin()->first;
    timer_.expires_at(*armed_);
    timer_.async_wait([this, alive = std::weak_ptr(alive_), at = *armed_](const boost::system::error_code& error) {
      // A timer that was set anew while this handler was already queued reports no error.
      if (error || alive.expired() || armed_ != at) return;
      armed_.reset();
      run_due();
    });
  }

  void run_due() {
    const auto now = clock_.steady();
    const std::weak_ptr alive = alive_;
    while (!order_.empty() && order_.begin()->first <= now) {
      const Key key = order_.begin()->second;
      erase(key);
      begin_(key);
      if (alive.expired()) return;
    }
    arm();
  }

  const Clock& clock_;
  const std::function<void(const Key&)> begin_;
  boost::asio::steady_timer timer_;
  std::optional<SteadyTime> armed_;
  std::map<Key, SteadyTime> waiting_;
  std::set<std::pair<SteadyTime, Key>> order_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace turnkeeper::monitor
