#include "monitor/service/fleet_watch.hpp"

#include <boost/asio/post.hpp>

#include "monitor/service/relay_credential.hpp"
#include "turnkeeper/base/log.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr std::size_t probes_at_once = 50;

// What a credential API says changes all the time; whose it is does not.
CredentialSource lasting(const CredentialSource& source) {
  const auto* provided = std::get_if<ProvidedCredential>(&source);
  return provided ? ProvidedCredential{.provider = provided->provider} : source;
}

// What somebody bills gets full probes and nothing that sends more.
FleetWatch::Settings sparing(const FleetWatch::Settings& settings) {
  return {.tls = settings.tls, .checks = false, .throughput = {}, .mtu = false};
}

}  // namespace

FleetWatch::FleetWatch(boost::asio::any_io_executor executor, const Clock& clock, std::string vantage, Sinks sinks,
                       Handlers handlers)
    : executor_(std::move(executor)),
      clock_(clock),
      vantage_(std::move(vantage)),
      sinks_(sinks),
      handlers_(std::move(handlers)),
      ground_(std::make_shared<CanaryGround>(executor_, clock_)),
      gate_(std::make_shared<ProbeGate>(probes_at_once)),
      prover_(executor_, clock_, prover_options()),
      agents_(executor_, clock_, {}, [this](const RelayId& id, const AgentState* state) { agent_said(id, state); }) {}

FleetWatch::~FleetWatch() = default;

void FleetWatch::set(const Fleet& fleet, const Settings& settings) {
  renew_tls(settings);
  std::map<RelayId, std::pair<const Relay*, Key>> wanted;
  for (const auto& cluster : fleet.clusters) {
    for (const auto& region : cluster.regions) {
      for (const auto& relay : region.relays) {
        wanted[{cluster.name, region.name, relay.name}] = {
            &relay, Key{relay.uris, relay.public_addresses, relay.allowed_peers, lasting(relay.credential),
                        relay.probing.value_or(cluster.probing), relay.probing ? sparing(settings) : settings}};
      }
    }
  }
  std::erase_if(watches_, [&](auto& entry) {
    const auto found = wanted.find(entry.first);
    if (found != wanted.end() && found->second.second == entry.second.key) return false;
    entry.second.watch->stop([watch = entry.second.watch] {});
    return true;
  });
  for (const auto& [id, relay] : wanted) {
    if (!watches_.contains(id)) watches_[id] = {relay.second, start(id, *relay.first, relay.second)};
    let_go_if_draining(id);
  }
  prover_.set(fleet);
  agents_.set(fleet);
}

void FleetWatch::renew_tls(const Settings& settings) {
  if (tls_options_ == settings.tls) return;
  auto made = turn::make_tls_context(settings.tls);
  if (made) {
    tls_ = std::move(*made);
    prover_.set_tls(tls_);
    tls_options_ = settings.tls;
  } else {
    log::error("no TLS probes", {{"error", made.error().text()}});
  }
}

KeyProver::Options FleetWatch::prover_options() {
  KeyProver::Options options{.vantage = vantage_, .resolver = ground_->resolver};
  options.answers = [this](const RelayId& id) {
    const auto* record = sinks_.health.relay(id);
    return record && (!record->canary || record->canary->usable);
  };
  options.on_proof = [this](const RelayId& id, const std::string& key, KeyProof proof) {
    if (auto* record = sinks_.health.relay(id)) sinks_.health.key_tried(*record, key, proof);
    handlers_.on_facts();
  };
  return options;
}

void FleetWatch::agent_said(const RelayId& id, const AgentState* state) {
  auto* record = sinks_.health.relay(id);
  if (!record) return;
  const bool restarted = state && record->facts.agent && record->facts.agent->starts != state->starts;
  sinks_.health.agent_said(*record, state);
  sinks_.metrics.agent_said(id, state);
  if (restarted) prover_.again(id);
  let_go_if_draining(id);
  handlers_.on_facts();
}

// A relay that drains waits for its last allocation to end: not for ours.
void FleetWatch::let_go_if_draining(const RelayId& id) {
  const auto* record = sinks_.health.relay(id);
  const auto found = watches_.find(id);
  if (record && found != watches_.end()) found->second.watch->rest(record->policy.draining);
}

void FleetWatch::drop() {
  prover_.stop();
  agents_.stop();
  watches_.clear();
}

std::shared_ptr<RelayWatch> FleetWatch::start(const RelayId& id, const Relay& relay, const Key& key) {
  RelayWatch::Options options{.vantage = vantage_,
                              .name = id.cluster + ' ' + id.region + ' ' + id.relay,
                              .uris = key.uris,
                              .canary = canary_uri(relay),
                              .probing = key.probing,
                              .public_addresses = key.public_addresses,
                              .allowed_peers = key.allowed_peers,
                              .credentials = [weak = std::weak_ptr(alive_), id]() -> Result<RelayCredentials> {
                                const auto alive = weak.lock();
                                if (!alive) return fail("this monitor is stopping");
                                return (*alive)->credentials_for(id);
                              },
                              .tls = tls_,
                              .ground = ground_,
                              .gate = gate_,
                              .accepted = accepted_,
                              .our_lag = handlers_.our_lag};
  options.checks = key.settings.checks;
  options.throughput = key.settings.throughput;
  options.mtu = key.settings.mtu;
  auto watch = std::make_shared<RelayWatch>(executor_, clock_, std::move(options), handlers_for(id));
  watch->start();
  return watch;
}

Result<RelayCredentials> FleetWatch::credentials_for(const RelayId& id) const {
  return relay_credentials(sinks_.health.fleet(), id, vantage_, clock_.system());
}

RelayWatch::Handlers FleetWatch::handlers_for(const RelayId& id) {
  RelayWatch::Handlers handlers;
  // Good as long as the watch, which ends before its relay leaves the fleet.
  auto* const series = sinks_.metrics.series(id);
  auto* const past = sinks_.history.relay(id);
  auto* const record = sinks_.health.relay(id);
  handlers.on_sent = [series] { series->echo_sent(); };
  handlers.on_echo = [this, series, past, record](std::chrono::nanoseconds round_trip) {
    series->echo_received(round_trip);
    past->echoed(clock_.system(), round_trip);
    sinks_.health.echoed(*record, round_trip);
  };
  handlers.on_loss = [this, series, past, record] {
    series->echo_lost();
    past->echo_lost(clock_.system());
    sinks_.health.echo_lost(*record);
  };
  handlers.on_observation = [this, id, series, record](const Observation& observation) {
    series->observed(observation.usable);
    if (sinks_.health.observed(*record, observation)) {
      probe_now(id);
      prover_.again(id);
    }
    handlers_.on_observed();
  };
  handlers.on_probed = [this, id, record](ProbeResult result) {
    sinks_.metrics.probed(id, result);
    const bool news = sinks_.proofs.probed(id, result);
    if (sinks_.health.probed(*record, std::move(result))) probe_now(id);
    handlers_.on_probed(news);
  };
  handlers.on_endpoints = [this, id](const std::vector<turn::Endpoint>& endpoints) {
    sinks_.proofs.keep_only(id, endpoints);
  };
  return handlers;
}

void FleetWatch::probe_now(const RelayId& id) {
  const auto found = watches_.find(id);
  if (found != watches_.end()) found->second.watch->probe_now();
}

void FleetWatch::recheck(const RelayId& id) {
  const auto found = watches_.find(id);
  if (found != watches_.end()) found->second.watch->recheck();
}

void FleetWatch::stop(std::function<void()> done) {
  prover_.stop();
  agents_.stop();
  const auto left = std::make_shared<std::size_t>(watches_.size() + 1);
  const auto count_down = [left, done = std::move(done)] {
    if (--*left == 0) done();
  };
  for (auto& [id, watched] : watches_) {
    watched.watch->stop([count_down, watch = watched.watch] { count_down(); });
  }
  boost::asio::post(executor_, count_down);
}

}  // namespace turnkeeper::monitor
