// The whole monitor as one object: canaries and full probes of every relay, verdicts together with other monitors,
// metrics, history, notifications, ICE configs, pushes and the HTTP server. turnkeeper-monitor and `turnctl up` are
// thin around it.
//
//   boost::asio::io_context io;
//   auto service = Service::start(io, {.listen = "127.0.0.1:8480", .vantage = "laptop"});
//   if (!service) return fail(service.error());
//   (*service)->set_fleet(std::move(*fleet));
//   (*service)->on_change([&](const Status& status) { draw(status); });
//   std::stop_callback wake(stop.token(), [&] { boost::asio::post(io, [&] { (*service)->stop([&] { io.stop(); }); });
//   }); io.run();
//
// Threading: the io_context runs on one thread, and everything but what is called thread-safe is called from there or
// before it runs. A change of a verdict reaches metrics, clients and callbacks in the same turn of the loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "monitor/access/access_config.hpp"
#include "monitor/exchange/exchange.hpp"
#include "monitor/ice/make_ice_config.hpp"
#include "monitor/ice_grpc/ice_grpc.hpp"
#include "monitor/notify/receiver.hpp"
#include "monitor/probe/probe_module.hpp"
#include "monitor/service/fleet_watch.hpp"
#include "monitor/shape/region_header.hpp"
#include "monitor/target/fleet.hpp"
#include "monitor/target/relay_health.hpp"
#include "monitor/web/status.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/http/router.hpp"
#include "turnkeeper/http/server.hpp"

namespace boost::asio {
class io_context;
}

namespace turnkeeper::monitor {

class Service {
 public:
  struct Options {
    std::string listen = "127.0.0.1:8480";  // as http::Server::listen; port 0: the kernel chooses
    std::optional<http::TlsFiles> tls;      // HTTPS there
    http::Limits limits;                    // of those who connect there
    std::string vantage = "local";
    AccessConfig access;         // who may ask for credentials
    bool audit = true;           // log each issue of credentials: who, for whom, where; never the credential
    RegionHeader region_header;  // unless the settings have one
    std::string status_url;      // where people find the status page; linked from notifications
    std::string state_file;      // history outlives a restart there; empty: it does not
    std::optional<IceGrpc::Options> ice_grpc;  // where application servers ask over gRPC
    // The other monitors. The vantage is filled in.
    std::optional<Exchange::Options> exchange;
    // What else is served on `listen`; called once, by start().
    std::function<void(http::Router&)> more_routes;
  };

  // What may change while it runs.
  struct Settings {
    FleetWatch::Settings probing;
    ProbeModules modules;
    std::vector<Receiver> receivers;
    RegionHeader region_header;   // where a client is, as a proxy in front of us says it
    double uptime_target = 99.5;  // percent
  };

  // Listens; watches nothing until set_fleet(). Without keys and tokens, credentials are given only on a loopback
  // listener, or to anybody when access.anonymous says so. Errors: an address cannot be listened on, the state file
  // cannot be written, a file of keys cannot be read. `io` and `clock` outlive the service; the clock's steady time is
  // the machine's.
  [[nodiscard]] static Result<std::unique_ptr<Service>> start(boost::asio::io_context& io, Options options,
                                                              const Clock& clock = real_clock());
  // Ends at once; allocations are given up unconfirmed. stop() first is better.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // What to watch from now on. Relays that stay the same keep their canary and their history. Thread-safe; takes effect
  // on the io_context.
  void set_fleet(Fleet fleet);
  // The same for how to watch it. Another way of probing starts every canary anew.
  void set_settings(Settings settings);
  // Reads the files of keys again, changed or not; by themselves they are read when they change. Thread-safe.
  void read_keys_again();
  // For the metrics: a configuration was read (again); whether the operator's stream stands, asked each second.
  void config_loaded(bool good);
  void show_operator(std::function<bool()> connected);

  // "127.0.0.1:8480", with the port that the kernel chose.
  [[nodiscard]] std::string address() const;
  // Where application servers ask over gRPC; empty: nowhere.
  [[nodiscard]] std::string ice_grpc_address() const;
  // Where other monitors connect to; empty without an exchange.
  [[nodiscard]] std::string exchange_address() const;
  [[nodiscard]] Status status() const;
  // What a client that asks now is given.
  [[nodiscard]] IceResult<IceConfig> ice_config(const IceRequest& request) const;

  // Called after each change of a verdict, of who serves a region, of the fleet, and after each full probe. One
  // listener of each kind; empty: none.
  void on_change(std::function<void(const Status&)> listener);
  // Called after each change of a verdict, of what is known of a relay's keys, certificate or agent, or of the fleet;
  // for their numbers every five seconds; and at once with the present picture.
  void on_health(std::function<void(FleetReport)> listener);

  // Releases every allocation (Refresh(0)) and stops listening, then calls `done`, at the latest after 2 s.
  void stop(std::function<void()> done);

 private:
  class Impl;
  explicit Service(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace turnkeeper::monitor
