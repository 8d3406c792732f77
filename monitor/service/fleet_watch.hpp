// Canaries, full probes and proofs of keys for exactly the relays of a fleet, the questions to their agents, and where
// what they see goes: metrics, history, verdicts.
// Nothing that happens for each echo looks anything up.
//
//   FleetWatch watch(io.get_executor(), clock, "laptop", sinks, handlers);
//   watch.set(fleet, settings);          // after the sinks have that fleet
//   watch.stop([] { ... });
//
// Everything happens on the executor, which must not run on several threads at once.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "monitor/canary/canary.hpp"
#include "monitor/history/history.hpp"
#include "monitor/metrics/metrics.hpp"
#include "monitor/service/agent_poll.hpp"
#include "monitor/service/fleet_health.hpp"
#include "monitor/service/key_prover.hpp"
#include "monitor/service/proofs.hpp"
#include "monitor/service/relay_watch.hpp"
#include "monitor/target/fleet.hpp"
#include "turnkeeper/turn/tls.hpp"

namespace turnkeeper::monitor {

class FleetWatch {
 public:
  // How all relays are probed, beside each cluster's own api::Probing.
  struct Settings {
    turn::TlsOptions tls;
    bool checks = true;
    std::optional<ThroughputPlan> throughput;
    bool mtu = false;
    bool operator==(const Settings&) const = default;
  };
  // All outlive the watch.
  struct Sinks {
    FleetHealth& health;
    Metrics& metrics;
    History& history;
    Proofs& proofs;
  };
  struct Handlers {
    std::function<void()> on_observed;                             // health may have changes
    std::function<void(bool proofs_changed)> on_probed;            // the same, and maybe another URL works
    std::function<void()> on_facts;                                // the same: of keys and agents
    std::function<std::optional<std::chrono::seconds>()> our_lag;  // as RelayWatch's
  };

  FleetWatch(boost::asio::any_io_executor executor, const Clock& clock, std::string vantage, Sinks sinks,
             Handlers handlers);
  ~FleetWatch();
  FleetWatch(const FleetWatch&) = delete;
  FleetWatch& operator=(const FleetWatch&) = delete;

  // Relays that stay the same go on undisturbed. The fleet is the sinks' own.
  void set(const Fleet& fleet, const Settings& settings);
  // A full probe of that relay out of turn.
  void probe_now(const RelayId& id);
  // Its canary tries again now if it waits out a pause.
  void recheck(const RelayId& id);
  // Ends every watch at once; allocations are given up unconfirmed.
  void drop();
  // `done` comes once nothing is left on any relay.
  void stop(std::function<void()> done);

  [[nodiscard]] std::size_t size() const { return watches_.size(); }

 private:
  // What makes a watch the same watch; credentials from an API and draining may change under it.
  struct Key {
    std::vector<turn::Uri> uris;
    std::vector<std::string> public_addresses;
    std::vector<AddressRange> allowed_peers;
    CredentialSource credential;
    api::Probing probing;
    Settings settings;
    bool operator==(const Key&) const = default;
  };
  struct Watched {
    Key key;
    std::shared_ptr<RelayWatch> watch;
  };

  [[nodiscard]] std::shared_ptr<RelayWatch> start(const RelayId& id, const Relay& relay, const Key& key);
  [[nodiscard]] Result<RelayCredentials> credentials_for(const RelayId& id) const;
  [[nodiscard]] RelayWatch::Handlers handlers_for(const RelayId& id);
  [[nodiscard]] KeyProver::Options prover_options();
  void agent_said(const RelayId& id, const AgentState* state);
  void let_go_if_draining(const RelayId& id);
  void renew_tls(const Settings& settings);

  boost::asio::any_io_executor executor_;
  const Clock& clock_;
  const std::string vantage_;
  const Sinks sinks_;
  const Handlers handlers_;
  std::shared_ptr<CanaryGround> ground_;
  std::shared_ptr<ProbeGate> gate_;
  std::shared_ptr<AcceptedKeys> accepted_ = std::make_shared<AcceptedKeys>();
  std::shared_ptr<turn::TlsContext> tls_;
  std::optional<turn::TlsOptions> tls_options_;  // of tls_
  KeyProver prover_;
  AgentPoll agents_;
  std::map<RelayId, Watched> watches_;
  // Watches that are being stopped may outlive this object.
  std::shared_ptr<FleetWatch*> alive_ = std::make_shared<FleetWatch*>(this);
};

}  // namespace turnkeeper::monitor
