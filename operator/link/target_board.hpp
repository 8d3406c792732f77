// The newest TargetSet, for everyone who wants to know it: the gRPC streams and the snapshot. Thread-safe.
//
//   TargetBoard board;
//   board.publish(targets_of_a);
//   board.open();                                  // now it is complete: subscribers hear of it
//   auto subscription = board.subscribe([](TargetBoard::Set set) { ... });
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "turnkeeper/v1/targets.pb.h"

namespace turnkeeper::op {

class TargetBoard {
 public:
  using Set = std::shared_ptr<const v1::TargetSet>;
  // Called with the newest set, on the publisher's thread and under the board's lock: must not call the board.
  using Listener = std::function<void(Set)>;

  void publish(const v1::ClusterTargets& targets);
  // The cluster is gone.
  void withdraw(const std::string& cluster);
  // Until then nobody is told anything: a set without a cluster that was merely not looked at yet would take it away
  // from the monitors.
  void open();
  // Null until open().
  [[nodiscard]] Set newest() const;

  // While it lives the listener is called: with the newest set first (at once when there is one), then after each
  // change. After its destruction it is not called any more.
  class Subscription {
   public:
    Subscription(TargetBoard& board, Listener listener);
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

   private:
    TargetBoard& board_;
  };
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(Listener listener);

 private:
  void rebuild_locked();

  mutable std::mutex mutex_;
  std::map<std::string, v1::ClusterTargets> clusters_;
  bool open_ = false;
  Set newest_;
  std::map<const Subscription*, Listener> listeners_;
};

}  // namespace turnkeeper::op
