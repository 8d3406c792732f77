// GET /v1/ice and GET /v1/events: what clients ask this monitor for.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "monitor/access/gate.hpp"
#include "monitor/metrics/metrics.hpp"
#include "monitor/push/push_hub.hpp"
#include "monitor/service/fleet_health.hpp"
#include "turnkeeper/http/router.hpp"

namespace turnkeeper::monitor {

// One thread, that of the HTTP server. What it is given must outlive it; it must outlive the router.
class IceApi {
 public:
  IceApi(const FleetHealth& health, Metrics& metrics, const Gate& gate, ProofLookup proof_of, const Clock& clock);

  void add_routes(http::Router& router);
  // Tells every connected client whose list has changed or whose credentials are due. Returns how many were told.
  std::size_t update() { return hub_.update(); }
  // What a client that asks now is given.
  [[nodiscard]] IceResult<IceConfig> make_config(const IceRequest& request) const;

 private:
  [[nodiscard]] tl::expected<Caller, Refusal> admit(const http::Request& request) const;
  [[nodiscard]] http::Response get(const http::Request& request);
  [[nodiscard]] std::optional<http::Response> subscribe(const http::Request& request,
                                                        const std::shared_ptr<http::EventStream>& stream);
  void count_client(const std::string& cluster, const std::string& region, int change);

  const FleetHealth& health_;
  Metrics& metrics_;
  const Gate& gate_;
  const ProofLookup proof_of_;
  const Clock& clock_;
  PushHub hub_;
  std::map<std::pair<std::string, std::string>, std::size_t> clients_;  // by cluster and region
  // Streams may close after this object has gone.
  std::shared_ptr<IceApi*> alive_ = std::make_shared<IceApi*>(this);
};

}  // namespace turnkeeper::monitor
