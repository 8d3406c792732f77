// Tells each client of its new ICE config when, and only when, its own list of URLs has changed.
//
//   PushHub hub([&](const IceRequest& request) { return current_config(request); }, real_clock());
//   auto id = hub.subscribe(request, stream->last_event_id, [stream](http::Event event) { stream->send(event); });
//   ...
//   hub.update();          // after each change of a verdict, of the fleet, and every few seconds
//   hub.unsubscribe(*id);
//
// Pure but for the callbacks, which it calls inside subscribe() and update(); they must not call back into the hub.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "monitor/ice/make_ice_config.hpp"
#include "turnkeeper/http/event_stream.hpp"

namespace turnkeeper::monitor {

class PushHub {
 public:
  using Subscription = std::uint64_t;
  using MakeConfig = std::function<IceResult<IceConfig>(const IceRequest&)>;
  using Send = std::function<void(http::Event)>;

  PushHub(MakeConfig make_config, const Clock& clock);

  // Sends the current config before it returns. `last_event_id`: what the client got last, from this monitor or from
  // another; the ids that it gets from now on are greater. Empty or not a number: they begin at 1.
  // A request that has no config is refused, and there is no subscription then.
  [[nodiscard]] IceResult<Subscription> subscribe(IceRequest request, const std::string& last_event_id, Send send);
  void unsubscribe(Subscription subscription);

  // Sends `event: config` to the clients whose list differs from the one they got last, and to those whose credentials
  // are due to be renewed. A client whose cluster or region is gone keeps what it has. Returns how many were told.
  std::size_t update();

  [[nodiscard]] std::size_t size() const { return clients_.size(); }

 private:
  struct Client {
    IceRequest request;
    Send send;
    std::uint64_t last_id = 0;
    IceConfig config;
  };
  void tell(Client& client, IceConfig config);

  MakeConfig make_config_;
  const Clock& clock_;
  std::map<Subscription, Client> clients_;
  Subscription next_ = 1;
};

}  // namespace turnkeeper::monitor
