#include "monitor/service/probe_api.hpp"

#include <boost/asio/co_spawn.hpp>
#include <optional>

#include "monitor/metrics/metrics.hpp"
#include "monitor/probe/probe.hpp"
#include "monitor/service/probe_text.hpp"
#include "monitor/service/relay_credential.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr int most_at_once = 16;
constexpr auto longest = std::chrono::seconds(5);

// A relay of the fleet by its address; `cluster` may be empty.
std::optional<RelayId> find_relay(const Fleet& fleet, const std::string& cluster, const turn::Uri& uri) {
  for (const auto& one : fleet.clusters) {
    if (!cluster.empty() && one.name != cluster) continue;
    for (const auto& region : one.regions) {
      for (const auto& relay : region.relays) {
        if (relay.host == uri.host && relay.port == uri.port) return RelayId{one.name, region.name, relay.name};
      }
    }
  }
  return std::nullopt;
}

}  // namespace

ProbeApi::ProbeApi(boost::asio::any_io_executor executor, const FleetHealth& health, std::string vantage,
                   const Clock& clock)
    : executor_(std::move(executor)), health_(health), vantage_(std::move(vantage)), clock_(clock) {}

void ProbeApi::add_routes(http::Router& router) {
  router.get_deferred(
      "/probe", [this](const http::Request& request, http::Responder respond) { probe(request, std::move(respond)); });
}

void ProbeApi::probe(const http::Request& request, http::Responder respond) {
  const auto refuse = [&](int status, Error error) { respond(http::Response::problem(status, error)); };
  const auto target = request.field("target");
  if (!target) return refuse(400, {"the request names no target", "add target=turn:HOST:PORT?transport=udp"});
  const auto uri = turn::Uri::parse(*target);
  if (!uri) return refuse(400, uri.error());
  if (uri->scheme != turn::Uri::Scheme::turn || uri->transport == turn::Uri::Transport::tcp) {
    return refuse(400, {"only UDP is probed", "write target=turn:HOST:PORT?transport=udp"});
  }
  const auto id = find_relay(health_.fleet(), request.field("cluster").value_or(""), *uri);
  if (!id) return refuse(404, {"no relay of this monitor has that address", "see /api/relays for those there are"});
  auto credential = relay_credential(health_.fleet(), *id, vantage_, clock_.system());
  if (!credential) return refuse(503, credential.error());
  if (*running_ >= most_at_once) return refuse(503, {"too many probes at once", "ask again in a moment"});

  ++*running_;
  ProbeTarget relay{.host = uri->host, .port = uri->port, .credential = std::move(*credential)};
  ProbeOptions options{.deadline = Deadline::after(clock_, longest), .clock = &clock_};
  boost::asio::co_spawn(
      executor_, probe_udp(std::move(relay), std::move(options)),
      [running = running_, respond = std::move(respond)](const std::exception_ptr& failure, ProbeResult result) {
        --*running;
        if (failure) result.cause = api::Cause::internal;
        auto response = http::Response::text(probe_text(result));
        response.content_type = Metrics::content_type;
        respond(std::move(response));
      });
}

}  // namespace turnkeeper::monitor
