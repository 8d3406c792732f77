#include "monitor/ice_api/ice_api.hpp"

#include "monitor/ice_api/refusal.hpp"

namespace turnkeeper::monitor {
namespace {

IceRequest ice_request(const http::Request& request) {
  return {.cluster = request.field("cluster").value_or(""),
          .region = request.field("region").value_or(""),
          .user = request.field("user").value_or(""),
          .session = request.field("session").value_or("")};
}

http::Response refusal(const IceFailure& failure) {
  switch (failure.kind) {
    case IceFailure::Kind::bad_request:
      return http::Response::problem(400, failure.error);
    case IceFailure::Kind::not_found:
      return http::Response::problem(404, failure.error);
    case IceFailure::Kind::unavailable:
      break;
  }
  return http::Response::problem(503, failure.error);
}

}  // namespace

IceApi::IceApi(const FleetHealth& health, Metrics& metrics, const Gate& gate, ProofLookup proof_of, const Clock& clock)
    : health_(health),
      metrics_(metrics),
      gate_(gate),
      proof_of_(std::move(proof_of)),
      clock_(clock),
      hub_([this](const IceRequest& request) { return make_config(request); }, clock) {}

void IceApi::add_routes(http::Router& router) {
  router.get("/v1/ice", [this](const http::Request& request) { return get(request); });
  router.events("/v1/events", [this](const http::Request& request, const std::shared_ptr<http::EventStream>& stream) {
    return subscribe(request, stream);
  });
}

IceResult<IceConfig> IceApi::make_config(const IceRequest& request) const {
  const auto cluster = find_cluster(health_.fleet(), request.cluster);
  if (!cluster) return tl::unexpected(cluster.error());
  return make_ice_config(
      request, **cluster, [this](const RelayId& id) { return health_.verdict(id); }, proof_of_, clock_.system());
}

tl::expected<Caller, Refusal> IceApi::admit(const http::Request& request) const {
  return gate_.admit({.key = bearer_token(request), .address = request.peer});
}

http::Response IceApi::get(const http::Request& request) {
  const auto caller = admit(request);
  if (!caller) return problem(caller.error());
  const auto config = make_config(ice_request(request));
  if (!config) return refusal(config.error());
  metrics_.issued(config->cluster, config->region, "native");
  auto response = http::Response::json(native_json(*config, clock_.system()));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

std::optional<http::Response> IceApi::subscribe(const http::Request& request,
                                                const std::shared_ptr<http::EventStream>& stream) {
  const auto caller = admit(request);
  if (!caller) return problem(caller.error());
  auto wanted = ice_request(request);
  // Pinned to what it means now, so that the client is counted where it was when it goes.
  const auto config = make_config(wanted);
  if (!config) return refusal(config.error());
  wanted.cluster = config->cluster;
  wanted.region = config->region;
  const auto send = [this, stream, cluster = config->cluster, region = config->region](http::Event event) {
    metrics_.issued(cluster, region, "events");
    stream->send(std::move(event));
  };
  const auto subscription = hub_.subscribe(std::move(wanted), request.header("last-event-id"), send);
  if (!subscription) return refusal(subscription.error());
  count_client(config->cluster, config->region, 1);
  stream->on_close(
      [weak = std::weak_ptr(alive_), id = *subscription, cluster = config->cluster, region = config->region] {
        const auto alive = weak.lock();
        if (!alive) return;
        (*alive)->hub_.unsubscribe(id);
        (*alive)->count_client(cluster, region, -1);
      });
  return std::nullopt;
}

void IceApi::count_client(const std::string& cluster, const std::string& region, int change) {
  auto& count = clients_[{cluster, region}];
  count += static_cast<std::size_t>(change);
  metrics_.set_push_clients(cluster, region, count);
}

}  // namespace turnkeeper::monitor
