#include "monitor/service/probe_api.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <charconv>

#include "monitor/ice_api/refusal.hpp"
#include "monitor/metrics/metrics.hpp"
#include "monitor/probe/look_up.hpp"
#include "monitor/probe/path_checks.hpp"
#include "monitor/probe/probe.hpp"
#include "monitor/service/probe_text.hpp"
#include "monitor/service/relay_credential.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

constexpr int most_at_once = 16;
// Left to Prometheus for everything around the probe, as blackbox_exporter leaves it.
constexpr auto scrape_margin = 500ms;
constexpr auto shortest = 100ms;

// The target with the module's transport in place of its own.
turn::Uri with_transport(turn::Uri uri, std::optional<turn::Protocol> protocol) {
  if (!protocol) return uri;
  const bool secure = *protocol == turn::Protocol::tls || *protocol == turn::Protocol::dtls;
  const bool stream = *protocol == turn::Protocol::tls || *protocol == turn::Protocol::tcp;
  uri.scheme = secure ? turn::Uri::Scheme::turns : turn::Uri::Scheme::turn;
  uri.transport = stream ? turn::Uri::Transport::tcp : turn::Uri::Transport::udp;
  return uri;
}

struct Known {
  RelayId id;
  const Relay& relay;
};

// A relay of the fleet by its address; `cluster` may be empty.
std::optional<Known> find_relay(const Fleet& fleet, const std::string& cluster, const turn::Uri& uri) {
  const auto here = [&](const turn::Uri& own) {
    return own.host == uri.host && own.port.value_or(own.default_port()) == uri.port.value_or(uri.default_port());
  };
  for (const auto& one : fleet.clusters) {
    if (!cluster.empty() && one.name != cluster) continue;
    for (const auto& region : one.regions) {
      for (const auto& relay : region.relays) {
        if (std::ranges::any_of(relay.uris, here)) return Known{{one.name, region.name, relay.name}, relay};
      }
    }
  }
  return std::nullopt;
}

std::chrono::nanoseconds time_for(const ProbeModule& module, const http::Request& request) {
  const auto text = request.header("x-prometheus-scrape-timeout-seconds");
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || !(seconds > 0 && seconds < 3600)) return module.timeout;
  const auto allowed = std::chrono::milliseconds(static_cast<long>(seconds * 1000)) - scrape_margin;
  return std::clamp<std::chrono::milliseconds>(allowed, shortest, std::max(shortest, module.timeout));
}

struct Outcome {
  ProbeResult result;
  std::optional<PathReport> checks;
};

boost::asio::awaitable<Outcome> run(std::shared_ptr<turn::Resolver> resolver, turn::Uri uri, PathTarget path,
                                    ProbeOptions options, bool check) {
  Outcome outcome;
  const auto found = co_await look_up(resolver, uri, options.deadline, *options.clock);
  if (!found.endpoints) {
    outcome.result = unresolved(uri, found, options.clock->system());
    co_return outcome;
  }
  path.relay.endpoint = found.endpoints->front();
  options.resolve_time = found.took;
  outcome.result = co_await monitor::probe(path.relay, options);
  if (outcome.result.ok && check) outcome.checks = co_await check_path(path, options);
  co_return outcome;
}

}  // namespace

ProbeApi::ProbeApi(boost::asio::any_io_executor executor, const FleetHealth& health, const Gate& gate, Options options,
                   const Clock& clock)
    : executor_(std::move(executor)),
      health_(health),
      vantage_(std::move(options.vantage)),
      gate_(gate),
      resolver_(options.resolver
                    ? std::move(options.resolver)
                    : std::make_shared<turn::Resolver>(executor_, turn::Resolver::Options{.clock = &clock})),
      clock_(clock) {
  set_modules(std::move(options.modules));
}

void ProbeApi::set_modules(ProbeModules modules) {
  std::map<std::string, std::shared_ptr<const Module>> next;
  modules.try_emplace("");
  for (auto& [name, how] : modules) {
    if (const auto known = modules_.find(name); known != modules_.end() && known->second->how == how) {
      next[name] = known->second;
      continue;
    }
    auto tls = turn::make_tls_context({.ca_file = how.tls.ca_file, .verify = how.tls.verify});
    next[name] = std::make_shared<Module>(Module{std::move(how), std::move(tls)});
  }
  modules_ = std::move(next);
}

void ProbeApi::add_routes(http::Router& router) {
  router.get_deferred(
      "/probe", [this](const http::Request& request, http::Responder respond) { probe(request, std::move(respond)); });
}

Result<turn::Credential> ProbeApi::credential_for(const ProbeModule& module, const std::string& cluster,
                                                  const turn::Uri& uri) const {
  if (const auto* fixed = std::get_if<ProbeModule::Fixed>(&module.credential)) {
    return turn::Credential{.username = fixed->username, .password = fixed->password};
  }
  const auto now = clock_.system();
  if (const auto* own = std::get_if<ProbeModule::FromSecret>(&module.credential)) {
    return turn::time_limited_credential(own->secret, monitor_user(vantage_), now + std::chrono::hours(1));
  }
  const auto known = find_relay(health_.fleet(), cluster, uri);
  if (!known) {
    return fail("no relay of this monitor has that address",
                "see /api/relays for those there are, or give the module a "
                "credential of its own");
  }
  return relay_credential(health_.fleet(), known->id, vantage_, now);
}

void ProbeApi::probe(const http::Request& request, http::Responder respond) {
  const auto refuse = [&](int status, Error error) { respond(http::Response::problem(status, error)); };
  const auto target = request.field("target");
  if (!target) return refuse(400, {"the request names no target", "add target=turn:HOST:PORT?transport=udp"});
  const auto asked = turn::Uri::parse(*target);
  if (!asked) return refuse(400, asked.error());
  if (asked->scheme != turn::Uri::Scheme::turn && asked->scheme != turn::Uri::Scheme::turns) {
    return refuse(400, {"only TURN servers are probed", "write target=turn:HOST:PORT?transport=udp"});
  }
  const auto found = modules_.find(request.field("module").value_or(""));
  if (found == modules_.end()) return refuse(400, {"there is no such module", "name one of monitor.yaml's modules"});
  const auto module = found->second;
  const auto uri = with_transport(*asked, module->how.transport);

  const auto* from_fleet = std::get_if<ProbeModule::FromFleet>(&module->how.credential);
  auto cluster = request.field("cluster").value_or("");
  if (from_fleet && !from_fleet->cluster.empty()) cluster = from_fleet->cluster;
  const auto known = find_relay(health_.fleet(), cluster, *asked);
  if (!known && !from_fleet && !request.loopback) {
    const auto caller = gate_.admit({.key = bearer_token(request), .address = request.peer});
    if (!caller) return respond(problem(caller.error()));
    if (caller->anonymous) return refuse(401, {"strangers may probe relays of the fleet only", "send an API key"});
  }
  auto credential = credential_for(module->how, cluster, *asked);
  if (!credential) return refuse(known ? 503 : 404, credential.error());
  if (!module->tls) return refuse(503, module->tls.error());
  if (*running_ >= most_at_once) return refuse(503, {"too many probes at once", "ask again in a moment"});

  ++*running_;
  PathTarget path;
  path.relay.credential = std::move(*credential);
  path.relay.tls = *module->tls;
  path.relay.server_name = module->how.tls.server_name.empty() ? uri.host : module->how.tls.server_name;
  if (const auto* own = std::get_if<ProbeModule::FromSecret>(&module->how.credential)) {
    path.expired =
        turn::time_limited_credential(own->secret, monitor_user(vantage_), clock_.system() - std::chrono::hours(1));
  }
  if (known) path.allowed_peers = known->relay.allowed_peers;
  ProbeOptions options{.deadline = Deadline::after(clock_, time_for(module->how, request)),
                       .throughput = module->how.throughput,
                       .mtu = module->how.mtu,
                       .clock = &clock_};
  boost::asio::co_spawn(
      executor_, run(resolver_, uri, std::move(path), std::move(options), module->how.checks),
      [running = running_, respond = std::move(respond)](const std::exception_ptr& failure, Outcome outcome) {
        --*running;
        if (failure) outcome.result.cause = api::Cause::internal;
        auto response = http::Response::text(probe_text(outcome.result, outcome.checks ? &*outcome.checks : nullptr));
        response.content_type = exposition_content_type(ExpositionFormat::text);
        respond(std::move(response));
      });
}

}  // namespace turnkeeper::monitor
