// Tells each client of its new ICE config when, and only when, something has changed for it, and why.
//
//   PushHub hub(make_config, standing_of, real_clock());
//   auto id = hub.subscribe(request, stream->last_event_id, [stream](const Push& push) { stream->send(event(push)); });
//   ...
//   hub.changed();                                  // after each change of a verdict, of the fleet
//   hub.on_time();                                  // every second
//   while (hub.work(500).more) serve_others();      // after either
//   hub.unsubscribe(*id);
//
// A client is told at once when something that it was given must not be used any more: it is on a relay that fell
// (failover) or that is being drained, or another key signs. When it only could have something better (recovery), it
// is told within a minute, at a moment that depends on its session: relays that come back are not stormed, and both
// ends of a session move together.
//
// Pure but for the callbacks, which it calls inside subscribe() and work(). Those of work() may unsubscribe their own
// client, and call nothing else here.
// Of a client it keeps its request and a few bytes for each URL. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "monitor/ice/make_ice_config.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

// Why a client is sent a config.
enum class PushReason {
  start,     // it has just subscribed
  failover,  // the relay that it was sent to first cannot be used any more
  drain,     // ... is being taken out of service
  recovery,  // there is a relay now that it should have been sent to first
  rotation,  // another signing key signs
  expiry,    // its credentials are due to be renewed
  change,    // anything else
};
[[nodiscard]] std::string_view push_reason_name(PushReason reason);

struct Push {
  const IceConfig& config;    // good during the call
  const IceRequest& request;  // likewise: what its client asked for
  PushReason reason = PushReason::start;
  std::uint64_t id = 0;  // greater than that of the one before
};

class PushHub {
 public:
  using Subscription = std::uint64_t;
  using Send = std::function<void(const Push&)>;
  using StandingOf = std::function<Standing(const std::string& cluster, UrlHash url)>;
  // How many clients of a region there are now.
  using OnCount = std::function<void(const std::string& cluster, const std::string& region, std::size_t clients)>;

  static constexpr std::chrono::seconds spread{60};

  PushHub(MakeConfig make_config, StandingOf standing_of, const Clock& clock, OnCount on_count = {});

  // Sends the current config before it returns. `last_event_id`: what the client got last, from this monitor or from
  // another; the ids that it gets from now on are greater. Empty or not a number: they begin at 1.
  // The cluster and the region that the request means now are the client's from now on.
  // A request that has no config is refused, and there is no subscription then.
  [[nodiscard]] IceResult<Subscription> subscribe(IceRequest request, const std::string& last_event_id, Send send);
  void unsubscribe(Subscription subscription);

  // Anybody's list may have changed: everybody is to be looked at, those first whose first relay fell or drains.
  void changed();
  // Those are to be looked at whose credentials are due, or whose turn to move has come.
  void on_time();

  struct Progress {
    std::size_t told = 0;
    bool more = false;  // somebody is still to be looked at
  };
  // Looks at no more than so many clients and tells those whom something concerns. A client whose cluster or region is
  // gone keeps what it has.
  Progress work(std::size_t most);

  [[nodiscard]] std::size_t size() const { return clients_.size(); }

 private:
  struct Client {
    IceRequest request;
    Send send;
    std::uint64_t last_id = 0;
    // Of what it was told last.
    std::vector<UrlHash> urls;  // of relays
    std::uint64_t list = 0;     // all of it, in its order
    std::uint64_t key = 0;
    SystemTime refresh_at;
    std::optional<SystemTime> move_at;  // something better waits for it until then
    SystemTime due;                     // its place in due_
  };
  [[nodiscard]] bool look_at(Subscription subscription, Client& client, SystemTime now);
  [[nodiscard]] std::optional<PushReason> reason_to_tell(Client& client, const IceConfig& config, SystemTime now) const;
  [[nodiscard]] bool is_urgent(const Client& client) const;
  void tell(Client& client, const IceConfig& config, PushReason reason);
  void put_due(Subscription subscription, Client& client, SystemTime at);
  void count(const IceRequest& request, int change);

  const MakeConfig make_config_;
  const StandingOf standing_of_;
  const Clock& clock_;
  const OnCount on_count_;
  std::unordered_map<Subscription, Client> clients_;
  std::deque<Subscription> queue_;  // to be looked at; may name some who left
  std::set<std::pair<SystemTime, Subscription>> due_;
  std::map<std::pair<std::string, std::string>, std::size_t> counts_;  // by cluster and region
  Subscription next_ = 1;
  Subscription looked_at_ = 0;  // whose callback may be running
  bool has_left_ = false;       // it unsubscribed meanwhile
};

}  // namespace turnkeeper::monitor
