// One credential API and the thread that asks it. Part of Providers.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "monitor/provider/providers.hpp"

namespace turnkeeper::monitor {

// The public values belong to the executor; the rest is the thread's.
class Providers::Asker : public std::enable_shared_from_this<Asker> {
 public:
  Asker(ProviderConfig config, const Clock& clock, const Pace& pace)
      : config_(std::move(config)), clock_(clock), pace_(pace), breaker_(pace.breaker) {}

  void start(const boost::asio::any_io_executor& executor, const std::weak_ptr<std::function<void()>>& on_change);
  void stop() { thread_.request_stop(); }
  [[nodiscard]] bool ended() const { return ended_; }
  // The same is asked of the same API as the same caller: names, prices and probing aside.
  [[nodiscard]] bool asks_for(const ProviderConfig& config) const;

  std::optional<Provided> provided;
  Breaker::State breaker = Breaker::State::closed;
  bool well = false;    // the last time
  std::string trouble;  // that it was not; for people
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;

 private:
  struct Round {
    std::optional<Provided> provided;
    Breaker::State breaker = Breaker::State::closed;
    std::string trouble;
  };
  using OnChange = std::weak_ptr<std::function<void()>>;

  void run(const boost::asio::any_io_executor& executor, const OnChange& on_change, const std::stop_token& stop);
  // Asks once; returns how long to wait then.
  std::chrono::milliseconds ask(Round& round, const std::stop_token& stop);
  std::chrono::milliseconds took(Provided answer, Round& round);
  std::chrono::milliseconds gave_up(const Breaker::Failure& failure, const Error& error, Round& round);
  void tell(const boost::asio::any_io_executor& executor, const OnChange& on_change, std::optional<Round> round);
  void wait(std::chrono::milliseconds pause, const std::stop_token& stop);

  const ProviderConfig config_;
  const Clock& clock_;
  const Pace pace_;
  Breaker breaker_;
  std::string complained_of_;  // since it last answered
  std::optional<SystemTime> expires_;
  std::atomic<bool> ended_ = false;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace turnkeeper::monitor
