// Lets a PushHub work in slices on the monitor's loop, so that canaries' echoes and requests come in between, and tells
// how long after the first missed echo every client knew; nothing when there is no client.
//
//   PushRounds rounds(executor, hub, clock, [&](const auto& cluster, const auto& region, auto late) { ... });
//   rounds.changed({{"calls", "eu", first_miss}});    // the first slice is done before it returns
//   rounds.on_time();                                 // every second
//
// One thread, the executor's. What it is given outlives it; nothing happens after it has gone.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "monitor/push/push_hub.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

class PushRounds {
 public:
  // A relay that died.
  struct Death {
    std::string cluster;
    std::string region;
    SteadyTime first_miss;
  };
  using OnTold = std::function<void(const std::string& cluster, const std::string& region, std::chrono::nanoseconds)>;

  // `on_done`: everybody was looked at, and told if need be.
  PushRounds(boost::asio::any_io_executor executor, PushHub& hub, const Clock& clock, OnTold on_told,
             std::function<void()> on_done = {});
  PushRounds(const PushRounds&) = delete;
  PushRounds& operator=(const PushRounds&) = delete;

  void changed(std::vector<Death> deaths);
  void on_time();

 private:
  void work();

  const boost::asio::any_io_executor executor_;
  PushHub& hub_;
  const Clock& clock_;
  const OnTold on_told_;
  const std::function<void()> on_done_;
  std::vector<Death> deaths_;  // of which not everybody was told yet
  bool waiting_ = false;       // for its next turn
  std::shared_ptr<PushRounds*> alive_ = std::make_shared<PushRounds*>(this);
};

}  // namespace turnkeeper::monitor
