// What the other monitors see becomes part of this one's picture, and what this one sees part of theirs.
//
//   OtherMonitors others(executor, health, clock, [&] { settle(); });
//   if (auto joined = others.join(options); !joined) return fail(joined.error());
//   others.publish(changes.own);                 // after each change
//   others.on_time(metrics);                     // each second
//
// Without join() there are none. One thread; what it is given outlives it.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "monitor/exchange/exchange.hpp"
#include "monitor/metrics/metrics.hpp"
#include "monitor/service/fleet_health.hpp"

namespace turnkeeper::monitor {

class OtherMonitors {
 public:
  // `settle` is called when what they said may have changed a verdict.
  OtherMonitors(boost::asio::any_io_executor executor, FleetHealth& health, const Clock& clock,
                std::function<void()> settle);
  OtherMonitors(const OtherMonitors&) = delete;
  OtherMonitors& operator=(const OtherMonitors&) = delete;

  [[nodiscard]] Result<void> join(Exchange::Options options);
  void leave() { exchange_.reset(); }

  void publish(const std::vector<SeenRelay>& own);
  // That what was published still stands; how many there are.
  void on_time(Metrics& metrics);
  // Nothing of other relays is told from now on.
  void keep_only(const Fleet& fleet);

  // When one of them was last heard, beside what is known of this machine's links.
  [[nodiscard]] Surroundings heard(Surroundings around) const;
  // How far this machine's clock is off theirs.
  [[nodiscard]] std::optional<std::chrono::seconds> our_lag() const;
  // Where they connect to; empty: nowhere.
  [[nodiscard]] std::string address() const { return exchange_ ? exchange_->address() : std::string(); }

 private:
  const boost::asio::any_io_executor executor_;
  FleetHealth& health_;
  const Clock& clock_;
  const std::function<void()> settle_;
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace turnkeeper::monitor
