// Everything that this monitor does to one relay: a canary without a pause, and a full probe at once and then again and
// again. Each relay's probes have their own place in the interval, so that many relays are probed evenly.
//
//   auto watch = std::make_shared<RelayWatch>(io.get_executor(), clock, options, handlers);
//   watch->start();
//   watch->stop([watch] {});     // nothing is left on the relay then
//
// Runs on one single-threaded executor; no handler is called from within a call, or after stop() or destruction.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "monitor/canary/canary.hpp"
#include "monitor/probe/probe_result.hpp"
#include "monitor/target/fleet.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::monitor {

class RelayWatch : public std::enable_shared_from_this<RelayWatch> {
 public:
  struct Options {
    std::string vantage;
    std::string host;
    std::uint16_t port = 3478;
    api::Probing probing;
    std::function<Result<turn::Credential>()> credential;  // asked for before each allocation
  };
  struct Handlers {
    std::function<void(const Observation&)> on_observation;
    std::function<void()> on_sent;
    std::function<void(std::chrono::nanoseconds)> on_echo;
    std::function<void()> on_loss;
    std::function<void(ProbeResult)> on_probed;
  };

  RelayWatch(boost::asio::any_io_executor executor, const Clock& clock, Options options, Handlers handlers);

  void start();
  // A full probe out of turn, unless one is under way.
  void probe_now();
  // `done` comes once nothing is left on the relay, or when that could not be confirmed within a second or two.
  void stop(std::function<void()> done);

 private:
  void probe_later();
  void probed(ProbeResult result);
  void one_stopped();

  boost::asio::any_io_executor executor_;
  const Clock& clock_;
  Options options_;
  Handlers handlers_;
  std::unique_ptr<Canary> canary_;
  boost::asio::steady_timer probe_timer_;
  std::stop_source stop_;
  bool probing_ = false;
  int running_ = 0;  // canary and probe, while stopping
  std::function<void()> on_stopped_;
};

}  // namespace turnkeeper::monitor
