// The servers whose URLs and credentials come from credential APIs: asked at once, cached until three quarters of the
// credential's life are over, asked again with backoff when that fails. The last good answer is kept.
//
//   Providers providers(io.get_executor(), clock, [&] { service.set_fleet(providers.complete(fleet)); });
//   providers.set(config.provided);
//
// Each API has a thread of its own, so that one that hangs delays nobody. Everything else happens on the executor,
// which must not run on several threads at once; nothing blocks but the destructor, which waits for requests that are
// cut short (milliseconds).
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "monitor/provider/vendors.hpp"
#include "monitor/target/fleet.hpp"

namespace turnkeeper::monitor {

class Providers {
 public:
  struct Pace {
    std::chrono::milliseconds timeout{15'000};
    std::chrono::milliseconds first_backoff{1'000};  // doubled up to longest_backoff, half of it random
    std::chrono::milliseconds longest_backoff{300'000};
    std::chrono::milliseconds shortest_life{60'000};  // an answer is not renewed earlier, whatever it says of its life
  };

  // `on_change`: a provider's answer differs from its last one. Never called from within a call.
  Providers(boost::asio::any_io_executor executor, const Clock& clock, std::function<void()> on_change, Pace pace);
  Providers(boost::asio::any_io_executor executor, const Clock& clock, std::function<void()> on_change);
  ~Providers();
  Providers(const Providers&) = delete;
  Providers& operator=(const Providers&) = delete;

  // Those that stay the same keep what they have.
  void set(const std::vector<ProvidedServer>& servers);

  // The fleet with the relays that were named so far, in the first cluster: called like their provider, and where that
  // named several hosts, with the host's name behind it.
  [[nodiscard]] Fleet complete(Fleet fleet) const;

  // Whether every provider has answered, or failed, at least once.
  [[nodiscard]] bool asked_all() const;

 private:
  class Asker;
  struct Entry {
    ProvidedServer server;
    std::shared_ptr<Asker> asker;
  };
  boost::asio::any_io_executor executor_;
  const Clock& clock_;
  const Pace pace_;
  std::shared_ptr<std::function<void()>> on_change_;
  std::vector<Entry> entries_;
  std::vector<std::shared_ptr<Asker>> leaving_;  // whose last request has not come to its end
};

}  // namespace turnkeeper::monitor
