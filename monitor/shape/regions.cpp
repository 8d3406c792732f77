#include "monitor/shape/regions.hpp"

#include <nlohmann/json.hpp>

#include "monitor/verdict/judge.hpp"

namespace turnkeeper::monitor {
namespace {

std::string stun_url(const turn::Uri& uri) {
  return turn::Uri{.scheme = turn::Uri::Scheme::stun, .host = uri.host, .port = uri.port}.to_string();
}

}  // namespace

http::Response regions_answer(const Cluster& cluster, const VerdictLookup& verdict_of, const ProofLookup& proof_of) {
  using Json = nlohmann::ordered_json;
  Json regions = Json::array();
  for (const auto& region : cluster.regions) {
    if (region.external) continue;
    bool any_usable = false;
    std::string stun;
    for (const auto& relay : region.relays) {
      const RelayId id{cluster.name, region.name, relay.name};
      if (relay.draining || !usable(verdict_of(id))) continue;
      any_usable = true;
      for (const auto& uri : relay.uris) {
        const bool udp = uri.scheme == turn::Uri::Scheme::turn && uri.transport == turn::Uri::Transport::udp;
        if (stun.empty() && udp && proof_of(id, uri) == Proof::works) stun = stun_url(uri);
      }
    }
    Json entry{{"name", region.name}, {"usable", any_usable}};
    if (!stun.empty()) entry["stun"] = stun;
    regions.push_back(std::move(entry));
  }
  return fresh_json(Json{{"cluster", cluster.name}, {"regions", std::move(regions)}}.dump(
      -1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace turnkeeper::monitor
