// GET /probe?target=turn:HOST:PORT?transport=udp[&cluster=C]: one full probe now, for Prometheus' blackbox way of
// asking. Only relays of the fleet can be named: for others there is no credential, and the monitor is nobody's port
// scanner.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "monitor/service/fleet_health.hpp"
#include "turnkeeper/http/router.hpp"

namespace turnkeeper::monitor {

// One thread, that of the HTTP server. What it is given must outlive it; it must outlive the router.
class ProbeApi {
 public:
  ProbeApi(boost::asio::any_io_executor executor, const FleetHealth& health, std::string vantage, const Clock& clock);

  void add_routes(http::Router& router);

 private:
  void probe(const http::Request& request, http::Responder respond);

  boost::asio::any_io_executor executor_;
  const FleetHealth& health_;
  const std::string vantage_;
  const Clock& clock_;
  std::shared_ptr<int> running_ = std::make_shared<int>(0);
};

}  // namespace turnkeeper::monitor
