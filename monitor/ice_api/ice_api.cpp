#include "monitor/ice_api/ice_api.hpp"

#include <algorithm>

#include "monitor/ice_api/refusal.hpp"
#include "monitor/ice_api/user.hpp"
#include "monitor/shape/native.hpp"
#include "monitor/shape/regions.hpp"
#include "monitor/shape/session.hpp"
#include "monitor/shape/turn_rest.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/random.hpp"

namespace turnkeeper::monitor {
namespace {

// By its whole name, or by what follows the namespace when that is unambiguous; null: there is none such.
const Cluster* named(const Fleet& fleet, const std::string& name) {
  const Cluster* found = nullptr;
  for (const auto& cluster : fleet.clusters) {
    if (cluster.name == name) return &cluster;
    if (!cluster.name.ends_with('/' + name)) continue;
    if (found != nullptr) return nullptr;
    found = &cluster;
  }
  return found;
}

bool has_region(const Cluster& cluster, const std::string& name) {
  return std::ranges::any_of(cluster.regions,
                             [&](const Region& region) { return region.name == name && !region.external; });
}

Presented presented_by(const http::Request& request, const Secret& key) {
  return {.key = key, .address = request.peer, .forwarded_for = request.header("x-forwarded-for")};
}

// The last event of a stream whose key or token is good no longer.
http::Event last_word() {
  static const std::string refusal =
      native_refusal({.status = 401,
                      .error = {"this API key or token is not accepted any more", "connect again with another one"}})
          .body;
  return {.name = "end", .id = {}, .data = refusal};
}

}  // namespace

IceApi::IceApi(const MakeConfig& make_config, View view, PushHub& hub, const Gate& gate, AdmittedStreams& streams,
               Audit& audit, const Clock& clock)
    : make_config_(make_config),
      view_(std::move(view)),
      hub_(hub),
      gate_(gate),
      streams_(streams),
      audit_(audit),
      clock_(clock) {}

void IceApi::add_routes(http::Router& router) {
  for (const auto& shape : shapes()) {
    const auto handler = [this, &shape](const http::Request& request) { return answer(shape, request); };
    for (const auto path : shape.paths) {
      if (shape.method == "GET") router.get(std::string(path), handler);
      if (shape.method == "POST") router.post(std::string(path), handler);
      if (shape.method == "PUT") router.put(std::string(path), handler);
    }
  }
  router.post("/v1/sessions", [this](const http::Request& request) { return session(request); });
  router.get("/v1/regions", [this](const http::Request& request) { return regions(request); });
  router.events("/v1/events", [this](const http::Request& request, const std::shared_ptr<http::EventStream>& stream) {
    return subscribe(request, stream);
  });
}

http::Response IceApi::turn_rest(const http::Request& request) {
  static const Shape shape = turn_rest_shape();
  return answer(shape, request);
}

tl::expected<Caller, Trouble> IceApi::admit(const http::Request& request, const Secret& key) const {
  auto caller = gate_.admit(presented_by(request, key));
  if (!caller) return tl::unexpected(trouble_of(caller.error(), !key.empty()));
  return std::move(*caller);
}

http::Response IceApi::answer(const Shape& shape, const http::Request& request) {
  if (shape.issued != nullptr) {
    if (const auto issued = shape.issued(request)) return answer(shape, request, *issued);
  }
  const auto caller = admit(request, shape.key(request));
  if (!caller) return shape.refuse(caller.error());
  auto ask = shape.read(request);
  if (!ask) return shape.refuse(ask.error());
  auto user = user_for(*caller, ask->request.user, ask->must_name_user);
  if (!user) return shape.refuse(user.error());
  ask->request.user = std::move(*user);
  settle_hints(*ask, request);
  const auto config = make_config_(ask->request);
  if (!config) return shape.refuse(trouble_of(config.error()));
  audit_.issued(shape.api, caller->name, ask->request.user, *config);
  return ask->answer(*config, clock_.system());
}

// Whoever shows a credential that we would make now, for its user and its expiry, got it from us.
http::Response IceApi::answer(const Shape& shape, const http::Request& request, const IssuedCredential& issued) {
  auto ask = shape.read(request);
  if (!ask) return shape.refuse(ask.error());
  const auto now = clock_.system();
  ask->request.user = issued.user;
  ask->request.ttl =
      std::chrono::duration_cast<std::chrono::seconds>(issued.expires - std::chrono::floor<std::chrono::seconds>(now));
  settle_hints(*ask, request);
  const auto config = make_config_(ask->request);
  if (!config) return shape.refuse(trouble_of(config.error()));
  const auto admitted = gate_.admit_if(presented_by(request, issued.password), [&] {
    return std::ranges::any_of(config->servers, [&](const IceServer& server) {
      return server.username == issued.username && server.credential == issued.password;
    });
  });
  if (!admitted) return shape.refuse(trouble_of(admitted.error(), true));
  audit_.issued(shape.api, "credential", issued.user, *config);
  return ask->answer(*config, now);
}

// The vendor's names where they are ours; then what a proxy says of where the client is.
void IceApi::settle_hints(Ask& ask, const http::Request& request) const {
  auto& wanted = ask.request;
  const Fleet& fleet = view_.fleet();
  if (wanted.cluster.empty() && !ask.cluster_hint.empty()) {
    if (const auto* cluster = named(fleet, ask.cluster_hint)) wanted.cluster = cluster->name;
  }
  if (!wanted.region.empty() || !wanted.rtts.empty()) return;
  const auto mapped = region_of(region_header_, request);
  if (ask.region_hint.empty() && mapped.empty()) return;
  const auto cluster = find_cluster(fleet, wanted.cluster);
  if (!cluster) return;
  for (const auto& region : {ask.region_hint, mapped}) {
    if (wanted.region.empty() && has_region(**cluster, region)) wanted.region = region;
  }
}

http::Response IceApi::session(const http::Request& request) {
  const auto caller = admit(request, native_key(request));
  if (!caller) return native_refusal(caller.error());
  auto ask = read_session(request);
  if (!ask) return native_refusal(ask.error());
  if (ask->session.empty()) ask->session = hex_encode(random_bytes(8));
  std::vector<IceConfig> configs;
  for (auto& end : ask->ends) {
    const auto user = user_for(*caller, end.user, true);
    if (!user) return native_refusal(user.error());
    end.session = ask->session;
    auto config = make_config_(end);
    if (!config) return native_refusal(trouble_of(config.error()));
    configs.push_back(std::move(*config));
  }
  for (std::size_t i = 0; i < configs.size(); ++i)
    audit_.issued("sessions", caller->name, ask->ends[i].user, configs[i]);
  return session_answer(*ask, configs, clock_.system());
}

http::Response IceApi::regions(const http::Request& request) {
  const auto caller = admit(request, native_key(request));
  if (!caller) return native_refusal(caller.error());
  const auto cluster = find_cluster(view_.fleet(), request.field("cluster").value_or(""));
  if (!cluster) return native_refusal(trouble_of(cluster.error()));
  return regions_answer(**cluster, view_.verdict_of, view_.proof_of);
}

std::optional<http::Response> IceApi::subscribe(const http::Request& request,
                                                const std::shared_ptr<http::EventStream>& stream) {
  auto caller = admit(request, native_key(request));
  if (!caller) return native_refusal(caller.error());
  auto wanted = native_request(request);
  if (!wanted) return native_refusal(wanted.error());
  auto user = user_for(*caller, wanted->user, true);
  if (!user) return native_refusal(user.error());
  wanted->user = std::move(*user);
  Ask ask{.request = std::move(*wanted)};
  settle_hints(ask, request);
  const auto stay = streams_.add(std::move(*caller), [stream] {
    stream->send(last_word());
    stream->close();
  });
  const auto send = [this, stream, stay](const Push& push) {
    if (!stay->good()) return;  // its end comes within a second
    audit_.pushed("events", stay->caller().name, push);
    stream->send({.name = "config",
                  .id = std::to_string(push.id),
                  .data = native_json(push.config, clock_.system(), push_reason_name(push.reason))});
  };
  const auto subscription = hub_.subscribe(std::move(ask.request), request.header("last-event-id"), send);
  if (!subscription) return native_refusal(trouble_of(subscription.error()));
  stream->on_close([weak = std::weak_ptr(alive_), id = *subscription] {
    if (const auto alive = weak.lock()) (*alive)->hub_.unsubscribe(id);
  });
  return std::nullopt;
}

}  // namespace turnkeeper::monitor
