// Relays that are not ours: of vendors' credential APIs, and of TURN servers whose user or secret we were given. APIs
// are asked at once, and again when three quarters of their credential's life are over; one that fails is asked with
// growing pauses (breaker.hpp), and its last good answer serves until it expires.
//
//   Providers providers(io.get_executor(), clock, [&] { take(providers.complete(fleet)); });
//   providers.set(fleet);
//   take(providers.complete(fleet));
//
// Each API has a thread of its own, so that one that hangs delays nobody; clusters that ask the same of the same API
// share one question. Everything else happens on the executor, which must not run on several threads at once; nothing
// blocks but the destructor, which waits for requests that are cut short (milliseconds).
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "monitor/provider/breaker.hpp"
#include "monitor/provider/vendors.hpp"
#include "monitor/target/fleet.hpp"
#include "monitor/target/provider_status.hpp"

namespace turnkeeper::monitor {

class Providers {
 public:
  struct Pace {
    std::chrono::milliseconds timeout{15'000};
    Breaker::Pace breaker;
    std::chrono::milliseconds shortest_life{5'000};  // an answer is not renewed earlier, whatever it says of its life
  };

  // `on_change`: complete() or status() has changed. Never called from within a call.
  Providers(boost::asio::any_io_executor executor, const Clock& clock, std::function<void()> on_change, Pace pace);
  Providers(boost::asio::any_io_executor executor, const Clock& clock, std::function<void()> on_change);
  ~Providers();
  Providers(const Providers&) = delete;
  Providers& operator=(const Providers&) = delete;

  // Asks for what the fleet's clusters say. Those that stay the same are not asked again.
  void set(const Fleet& fleet);

  // The fleet with the relays that its providers have named so far and whose credentials have not expired: called like
  // their provider, and where that named several hosts, with the host's name behind it; in the region that the provider
  // says, or in an external one.
  [[nodiscard]] Fleet complete(Fleet fleet) const;

  [[nodiscard]] std::vector<ProviderStatus> status() const;

  // Whether every provider has answered, or failed, at least once.
  [[nodiscard]] bool asked_all() const;

 private:
  class Asker;
  // `asker` is null for those that are no API. `given`: what they have for good; of an API whose key or the like has
  // changed, what it named before, until it answers.
  struct Entry {
    std::string cluster;
    ProviderConfig config;
    std::shared_ptr<Asker> asker;
    std::optional<Provided> given;
    std::string trouble;  // why it has nothing, of one that is not asked
  };

  [[nodiscard]] Entry entry_of(const std::string& cluster, const ProviderConfig& config,
                               const std::vector<Entry>& others) const;
  [[nodiscard]] const Provided* provided_by(const Entry& entry) const;

  boost::asio::any_io_executor executor_;
  const Clock& clock_;
  const Pace pace_;
  std::shared_ptr<std::function<void()>> on_change_;
  std::vector<Entry> entries_;
  std::vector<std::shared_ptr<Asker>> leaving_;  // whose last request has not come to its end
};

}  // namespace turnkeeper::monitor
