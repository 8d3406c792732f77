// The monitors' full mesh (turnkeeper.v1 Observations): each tells every other what it sees itself, so that each judges
// by all vantages and needs neither the operator nor a leader for it.
//
//   Exchange::Handlers handlers;
//   handlers.on_observations = [&](std::vector<SeenRelay> seen) { health.heard(std::move(seen)); };
//   handlers.on_vantage_gone = [&](const std::string& vantage) { health.forget_vantage(vantage); };
//   auto exchange = Exchange::start(io.get_executor(), {.vantage = "eu", .listen = "0.0.0.0:8481",
//                                   .peers = {"us.example.org:8481"}, .tls = files}, std::move(handlers));
//   if (!exchange) return fail(exchange.error());
//   (*exchange)->publish(changed);   // after each change of an own observation
//
// It dials every peer and is dialled by them; of two streams between the same two monitors one stays. A peer that is
// this monitor itself is recognised and left out. Connections are made anew for ever, with backoff and jitter.
//
// Memory is bounded by the number of relays, however slow a peer reads: of each relay only the newest is sent. A batch
// each 400 ms says that what was sent before still stands; it leaves from the io_context's thread, so a monitor whose
// thread stands still falls silent. A peer that was not heard for `freshness` is gone, whether its connection stands or
// not.
//
// Threading: everything, the handlers too, on the thread of the io_context; nothing blocks but the destructor, which
// waits for gRPC's threads (milliseconds). Handlers may call publish() but must not destroy the Exchange. No handler is
// called from within start() or publish(), nor after the destructor has begun.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "monitor/target/fleet.hpp"
#include "monitor/target/relay_memory.hpp"
#include "monitor/verdict/observation.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/rpc/mutual_tls.hpp"

namespace turnkeeper::monitor {

class Exchange {
 public:
  // Both sides prove who they are by a certificate that carries the first DNS name of our own, so monitors share a name
  // ("turnkeeper-monitor") whatever their addresses are. One whose certificate is of a vantage of a single TurnCluster
  // (turnkeeper/api/vantage_identity.hpp) must go by that vantage's name, is told of that TurnCluster alone and
  // believed about that one alone.
  using Tls = MutualTls;
  struct Options {
    std::string vantage;             // of no other monitor: two of the same name refuse each other
    std::string listen;              // "host:port"; port 0: the kernel chooses
    std::vector<std::string> peers;  // "host:port", each one monitor
    // "name:port", each address of the name a monitor, resolved again every `resolve_every`: a headless Service.
    std::string peers_dns;
    std::optional<Tls> tls;                        // nothing: in the clear, for tests and development
    std::chrono::milliseconds freshness{5'000};    // a peer that is silent for so long is gone
    std::chrono::milliseconds first_backoff{100};  // doubled up to longest_backoff, half of it random
    std::chrono::milliseconds longest_backoff{5'000};
    std::chrono::milliseconds keepalive{1'000};  // ping a silent connection; unanswered for as long again: dead
    std::chrono::milliseconds resolve_every{10'000};
  };
  struct Handlers {
    // What another vantage sees, already in this process's steady time. A relay that it sees no more comes as one with
    // `blind` set.
    std::function<void(std::vector<SeenRelay>)> on_observations;
    // All that this vantage has said so far still stood at that time: after each batch of it, twice a second or more.
    std::function<void(const std::string& vantage, SteadyTime at)> on_heard;
    // Not heard for `freshness`, or it has said goodbye.
    std::function<void(const std::string& vantage)> on_vantage_gone;
    // What to tell a monitor that connects, and what one has told us. A receiver that knows better ignores it.
    std::function<std::vector<RelayMemory>()> memory;
    std::function<void(std::vector<RelayMemory>)> on_memory;
  };

  // Listens, and dials without waiting. Errors: the address is in use or malformed, a TLS file cannot be used, no
  // vantage name. The executor is the io_context's; `clock` outlives the Exchange and its steady time is the machine's.
  [[nodiscard]] static Result<std::unique_ptr<Exchange>> start(boost::asio::any_io_executor executor, Options options,
                                                               Handlers handlers, const Clock& clock = real_clock());
  // Says goodbye to the peers, which then do not wait for `freshness`.
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Own observations: those that changed, or all of them; unchanged ones cost a comparison. A usable one that is not
  // published again within 3 s is no longer vouched for.
  void publish(const std::vector<SeenRelay>& seen);
  // The fleet has changed: what was published of other relays is taken back.
  void keep_only(const std::vector<RelayId>& relays);

  // "127.0.0.1:8481", with the port that the kernel chose.
  [[nodiscard]] std::string address() const;

  struct Peer {
    std::string vantage;
    SteadyTime heard;
    bool connected = false;  // a stream stands
  };
  // The vantages that are heard within `freshness`, by name.
  [[nodiscard]] std::vector<Peer> peers() const;
  // How far the peers' wall clocks are ahead of ours, the median of those heard; nothing without a peer. Off by up to
  // the way's latency.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> clock_difference() const;

 private:
  class Impl;
  explicit Exchange(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace turnkeeper::monitor
