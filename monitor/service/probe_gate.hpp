// How many full probes run at the same time, over all relays of a monitor: each holds a socket. Also what they have in
// common: which signing keys relays accept.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

// One thread.
class ProbeGate : public std::enable_shared_from_this<ProbeGate> {
 public:
  explicit ProbeGate(std::size_t at_once) : free_(at_once) {}

  // The right to run; whoever drops it lets the next one in.
  class Pass {
   public:
    explicit Pass(std::weak_ptr<ProbeGate> gate) : gate_(std::move(gate)) {}
    ~Pass();
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;

   private:
    std::weak_ptr<ProbeGate> gate_;
  };
  using Enter = std::function<void(std::shared_ptr<Pass>)>;
  // Calls `enter` at once, or later from where a pass is dropped; in order.
  void enter(Enter enter);

 private:
  void let_in();
  std::size_t free_;
  std::deque<Enter> waiting_;
  bool letting_in_ = false;
};

// Which relays accepted a signing key lately.
class AcceptedKeys {
 public:
  void accepted(const std::string& cluster_key, const std::string& relay, SteadyTime now);
  // By another relay than this one, within the last `fresh`.
  [[nodiscard]] bool elsewhere(const std::string& cluster_key, const std::string& relay, SteadyTime now,
                               std::chrono::nanoseconds fresh) const;

 private:
  struct Seen {
    std::string relay;
    SteadyTime at;
  };
  std::map<std::string, std::pair<Seen, Seen>> seen_;  // by key: the last relay, and the last one before it
};

}  // namespace turnkeeper::monitor
