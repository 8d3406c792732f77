// Everything that this monitor does to one relay: a canary without a pause; a full probe of each transport and address,
// at once and then every interval; and, more rarely, the path checks. Each endpoint has its own place in the interval,
// so that many relays are probed evenly.
//
//   auto watch = std::make_shared<RelayWatch>(io.get_executor(), clock, options, handlers);
//   watch->start();
//   watch->stop([watch] {});     // nothing is left on the relay then
//
// Runs on one single-threaded executor; no handler is called from within a call, or after stop() or destruction.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "monitor/canary/canary.hpp"
#include "monitor/probe/look_up.hpp"
#include "monitor/probe/path_checks.hpp"
#include "monitor/probe/probe_result.hpp"
#include "monitor/service/probe_gate.hpp"
#include "monitor/service/relay_credential.hpp"
#include "monitor/target/fleet.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/tls.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::monitor {

class RelayWatch : public std::enable_shared_from_this<RelayWatch> {
 public:
  struct Options {
    std::string vantage;
    std::string name;             // the relay's, unique in the monitor: it decides on the places in the interval
    std::vector<turn::Uri> uris;  // one at least
    turn::Uri canary;             // where the canary stands
    api::Probing probing;         // canary 0: there is none
    std::vector<std::string> public_addresses;  // as Relay's
    std::vector<AddressRange> allowed_peers;    // the same
    // Asked for before each allocation.
    std::function<Result<RelayCredentials>()> credentials;
    std::shared_ptr<turn::TlsContext> tls;   // for turns: URIs
    std::shared_ptr<CanaryGround> ground;    // shared by all watches; null: one of its own
    std::shared_ptr<ProbeGate> gate;         // the same; null: no limit
    std::shared_ptr<AcceptedKeys> accepted;  // the same; null: nothing is known of other relays
    // How far the other monitors' clocks are ahead of ours, if anybody knows. May be empty.
    std::function<std::optional<std::chrono::seconds>()> our_lag;
    bool checks = true;                        // the path checks
    std::optional<ThroughputPlan> throughput;  // with each probe
    bool mtu = false;                          // the same
    std::chrono::nanoseconds check_every = std::chrono::minutes(10);
    // After a change of keys, relays need a while to hear of it: only then is a removed key tried.
    std::chrono::nanoseconds key_settles = std::chrono::minutes(2);
  };
  // on_probed and the canary's handlers are needed; the others may be empty.
  struct Handlers {
    std::function<void(const Observation&)> on_observation;
    std::function<void()> on_sent;
    std::function<void(std::chrono::nanoseconds)> on_echo;
    std::function<void()> on_loss;
    // Of one endpoint, or of a name that did not resolve. What the path checks found is in the results of probes that
    // went well.
    std::function<void(ProbeResult)> on_probed;
    // The endpoints that there are from now on, over all URIs: what was said about others, or about a name that did not
    // resolve, is past.
    std::function<void(const std::vector<turn::Endpoint>&)> on_endpoints;
    std::function<void(const PathReport&)> on_checked;
  };

  RelayWatch(boost::asio::any_io_executor executor, const Clock& clock, Options options, Handlers handlers);

  void start();
  // A full probe of each endpoint out of turn, unless one is under way.
  void probe_now();
  // The canary of a relay that is held dead tries again now: sight has come back.
  void recheck();
  // While the relay drains: no standing allocation that its drain would wait for.
  void rest(bool resting);
  // `done` comes once nothing is left on the relay, or when that could not be confirmed within a second or two.
  void stop(std::function<void()> done);

 private:
  struct Target {  // one endpoint
    std::size_t uri = 0;
    turn::Endpoint endpoint;
    SteadyTime due;
    bool probing = false;
  };
  struct Name {  // one URI
    SteadyTime due;
    bool looking_up = false;
    bool failed = false;  // the last time
    std::chrono::nanoseconds took{0};
  };

  [[nodiscard]] SteadyTime place_after(const std::string& what, SteadyTime now) const;
  void start_canary();
  void run_due();
  void arm();
  void look_up_name(std::size_t index);
  void looked_up(std::size_t index, LookUp found);
  void probe_target(const turn::Endpoint& endpoint);
  void run_probe(const turn::Endpoint& endpoint, std::shared_ptr<ProbeGate::Pass> pass);
  void probed(ProbeResult result, const std::string& key);
  void check_if_due(const ProbeResult& result);
  void checked(PathReport report);
  [[nodiscard]] ProbeTarget target_of(const turn::Endpoint& endpoint, const turn::Credential& credential) const;
  [[nodiscard]] Deadline probe_deadline() const;
  [[nodiscard]] Target* find(const turn::Endpoint& endpoint);
  void one_stopped();

  boost::asio::any_io_executor executor_;
  const Clock& clock_;
  Options options_;
  Handlers handlers_;
  std::unique_ptr<Canary> canary_;
  boost::asio::steady_timer timer_;
  SteadyTime armed_;
  std::stop_source stop_;
  std::vector<Name> names_;
  std::vector<Target> targets_;
  std::string worked_key_;  // the last one that this relay accepted
  std::vector<Diagnosis> findings_;
  std::string checked_keys_;  // what the last check was about
  SteadyTime check_due_;
  bool checking_ = false;
  int running_ = 0;   // look-ups, probes and checks
  int stopping_ = 0;  // these and the canary, once stop() was called
  std::function<void()> on_stopped_;
};

}  // namespace turnkeeper::monitor
