// GET /probe?target=turn:HOST:PORT?transport=udp[&module=M][&cluster=C]: one full probe now, for Prometheus' blackbox
// way of asking. Without a module, a relay of the fleet is probed with the monitor's own credential. A module may have
// a credential of its own and can probe any target with it; but targets outside the fleet may only be named from this
// machine or with an API key: the monitor is nobody's port scanner.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "monitor/access/gate.hpp"
#include "monitor/probe/probe_module.hpp"
#include "monitor/service/fleet_health.hpp"
#include "turnkeeper/http/router.hpp"
#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/resolve.hpp"
#include "turnkeeper/turn/tls.hpp"

namespace turnkeeper::monitor {

// One thread, that of the HTTP server. What it is given must outlive it; it must outlive the router.
class ProbeApi {
 public:
  struct Options {
    std::string vantage;
    ProbeModules modules;
    std::shared_ptr<turn::Resolver> resolver;  // null: one of its own
  };
  ProbeApi(boost::asio::any_io_executor executor, const FleetHealth& health, const Gate& gate, Options options,
           const Clock& clock);

  void add_routes(http::Router& router);
  // From now on. Probes that are under way go on as they began. The module "" is what a request without one gets; left
  // out, it is the default ProbeModule.
  void set_modules(ProbeModules modules);

 private:
  struct Module {
    ProbeModule how;
    Result<std::shared_ptr<turn::TlsContext>> tls;  // kept, so that sessions are resumed
  };
  void probe(const http::Request& request, http::Responder respond);
  [[nodiscard]] Result<turn::Credential> credential_for(const ProbeModule& module, const std::string& cluster,
                                                        const turn::Uri& uri) const;

  boost::asio::any_io_executor executor_;
  const FleetHealth& health_;
  const std::string vantage_;
  const Gate& gate_;
  const std::shared_ptr<turn::Resolver> resolver_;
  const Clock& clock_;
  std::map<std::string, std::shared_ptr<const Module>> modules_;  // "" is the one that needs no name
  std::shared_ptr<int> running_ = std::make_shared<int>(0);
};

}  // namespace turnkeeper::monitor
