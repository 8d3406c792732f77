// A monitor as the mesh sees it: a thread with an Exchange that publishes each 200 ms, and everything that it hears.
// Waits are for something to happen, up to a limit.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "monitor/exchange/exchange.hpp"

namespace turnkeeper::monitor {

class MeshMonitor {
 public:
  using Options = Exchange::Options;

  // 127.0.0.1, a port of the kernel's choice, and quick timing, unless `options` say otherwise.
  static Options options(std::string vantage, std::vector<std::string> peers = {});

  explicit MeshMonitor(Options options, std::vector<RelayMemory> memory = {});
  ~MeshMonitor();

  [[nodiscard]] std::string address() const { return address_; }
  // Of the TurnCluster "calls", or of the one before the colon: "telephony/calls:eu-0".
  [[nodiscard]] static RelayId relay(const std::string& name) {
    const auto colon = name.find(':');
    return {colon == std::string::npos ? "calls" : name.substr(0, colon), "eu", name};
  }

  // Sees the relay from now on, and renews it with each publish().
  void sees(const std::string& relay, bool usable, api::Cause cause = api::Cause::none);
  void sees_no_more(const std::string& relay);

  // Whether it comes to hear of `relay` from `vantage` an observation of this kind.
  [[nodiscard]] bool hears(const std::string& vantage, const std::string& relay, bool usable);
  [[nodiscard]] bool hears_nothing_of(const std::string& vantage, const std::string& relay);
  [[nodiscard]] bool comes_to(const std::function<bool()>& condition);  // called with the state locked
  [[nodiscard]] bool loses(const std::string& vantage);
  // The opposite, now.
  [[nodiscard]] bool knows(const std::string& vantage) const;
  [[nodiscard]] std::size_t count_of(const std::string& vantage) const;

  [[nodiscard]] std::vector<RelayMemory> memories() const;
  [[nodiscard]] int greetings() const;  // times that it was asked for its memory: once for each stream
  [[nodiscard]] int changes_heard() const;
  [[nodiscard]] std::vector<std::string> connected();
  [[nodiscard]] std::optional<std::chrono::nanoseconds> clock_difference();

  // Its thread stands still until the returned object is destroyed.
  class Freeze {
   public:
    explicit Freeze(boost::asio::io_context& io);
    ~Freeze();

   private:
    std::promise<void> thaw_;
  };
  [[nodiscard]] std::unique_ptr<Freeze> freeze() { return std::make_unique<Freeze>(io_); }
  // Runs on its thread.
  template <class F>
  auto ask(F question) {
    std::packaged_task<decltype(question())()> task(std::move(question));
    auto answer = task.get_future();
    boost::asio::post(io_, std::move(task));
    return answer.get();
  }

 private:
  void publish_later();

  boost::asio::io_context io_;
  boost::asio::steady_timer publish_timer_;
  std::unique_ptr<Exchange> exchange_;
  std::string address_;
  std::string vantage_;
  const std::vector<RelayMemory> memory_;
  std::map<std::string, Observation> own_;  // on the thread

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::map<std::string, Observation>> heard_;  // vantage, relay
  std::vector<RelayMemory> memories_;
  int greetings_ = 0;
  int changes_heard_ = 0;

  std::thread thread_;
};

}  // namespace turnkeeper::monitor
