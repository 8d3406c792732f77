// FleetHealth as it is shown.
#include <algorithm>
#include <array>

#include "monitor/service/fleet_health.hpp"

namespace turnkeeper::monitor {
namespace {

std::string address_text(const Relay& relay) {
  const auto& uri = canary_uri(relay);
  const bool ipv6 = uri.host.find(':') != std::string::npos;
  return (ipv6 ? "[" + uri.host + "]" : uri.host) + ":" + std::to_string(uri.port.value_or(uri.default_port()));
}

}  // namespace

RelayStatus FleetHealth::relay_status(const RelayRecord& relay, SteadyTime now) const {
  const auto& judgement = relay.state.judgement;
  return {.name = relay.id.relay,
          .address = address_text(relay.relay),
          .verdict = judgement.verdict,
          .cause = judgement.cause,
          .detail = judgement.detail,
          .since = relay.since,
          .echo = relay.round_trip,
          .loss_percent = relay.echoes.loss_percent(),
          .probe = relay.probes.newest(),
          .probes = relay.probes.each(),
          .votes = votes(relay, now),
          .agent = relay.facts.agent};
}

std::vector<KeyTrial> FleetHealth::key_trials(const Cluster& cluster) const {
  std::vector<KeyTrial> trials;
  const auto add = [&](const api::SigningKey& key, bool must_accept) {
    KeyTrial trial{.key = key.id, .must_accept = must_accept};
    for (const auto& region : cluster.regions) {
      for (const auto& relay : region.relays) {
        if (!std::holds_alternative<ClusterKeys>(relay.credential)) continue;
        ++trial.relays;
        const auto& keys = relays_.at({cluster.name, region.name, relay.name}).facts.keys;
        const auto found = keys.find(key.id);
        if (found == keys.end() || found->second.accepted != must_accept) trial.waiting.push_back(relay.name);
      }
    }
    if (trial.relays > 0 && (must_accept || !trial.waiting.empty())) trials.push_back(std::move(trial));
  };
  for (const auto& key : cluster.signing_keys) {
    if (key.phase == api::SigningKey::Phase::staged) add(key, true);
  }
  for (const auto& key : cluster.removed_keys) add(key, false);
  return trials;
}

Status FleetHealth::status() const {
  Status status{.vantage = vantage_, .incidents = incidents_.open(), .blind = blind_};
  const auto now = clock_.steady();
  for (const auto& cluster : fleet_.clusters) {
    auto& to_cluster = status.clusters.emplace_back(ClusterStatus{cluster.name, {}, key_trials(cluster)});
    for (const auto& region : cluster.regions) {
      auto& to_region =
          to_cluster.regions.emplace_back(RegionStatus{region.name, served_by(cluster.name, region.name), {}});
      for (const auto& relay : region.relays) {
        to_region.relays.push_back(relay_status(relays_.at({cluster.name, region.name, relay.name}), now));
      }
    }
  }
  status.failovers.assign(failovers_.begin(), failovers_.end());
  return status;
}

std::vector<RelayHealth> FleetHealth::relay_health() const {
  std::vector<RelayHealth> health;
  for (const auto& [id, record] : relays_) {
    if (record.external) continue;
    health.push_back({id, record.state.judgement.verdict, record.state.judgement.cause, record.since, record.facts});
  }
  return health;
}

std::vector<RegionOrder> FleetHealth::region_orders() const {
  std::vector<RegionOrder> orders;
  for (const auto& cluster : fleet_.clusters) {
    for (const auto& region : cluster.regions) {
      if (region.backups.empty() && !region.nearest.empty()) {
        orders.push_back({cluster.name, region.name, region.nearest});
      }
    }
  }
  return orders;
}

std::vector<ProviderHealth> FleetHealth::provider_health(const std::vector<ProviderStatus>& providers) const {
  constexpr std::array from_worst{api::Verdict::unhealthy, api::Verdict::draining, api::Verdict::unknown,
                                  api::Verdict::degraded, api::Verdict::healthy};
  const auto rank = [&](api::Verdict verdict) { return std::ranges::find(from_worst, verdict) - from_worst.begin(); };
  std::vector<ProviderHealth> health;
  for (const auto& provider : providers) {
    const Judgement* best = nullptr;
    for (const auto& [id, record] : relays_) {
      const auto& judgement = record.state.judgement;
      if (!record.external || id.cluster != provider.cluster || id.region != provider.name) continue;
      if (best == nullptr || rank(judgement.verdict) > rank(best->verdict)) best = &judgement;
    }
    auto& to = health.emplace_back(ProviderHealth{.cluster = provider.cluster, .name = provider.name});
    if (best != nullptr) to.verdict = best->verdict;
    if (best != nullptr) to.cause = best->cause;
    to.trouble = provider.trouble;
  }
  return health;
}

}  // namespace turnkeeper::monitor
