#include "monitor/service/fleet_health.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace turnkeeper::monitor {
namespace {

constexpr std::size_t remembered_failovers = 20;
constexpr auto loss_window = std::chrono::seconds(10);

Policy policy_for(const api::Probing& probing) {
  Policy policy;
  // A canary renews its observation with each echo, and says so when they stay away: twice that long, and it is the
  // monitor that stands still.
  const std::chrono::nanoseconds silence = 2 * probing.misses * probing.canary + std::chrono::seconds(2);
  policy.freshness = std::max(policy.freshness, silence);
  return policy;
}

std::string address_text(const Relay& relay) {
  const bool ipv6 = relay.host.find(':') != std::string::npos;
  return (ipv6 ? "[" + relay.host + "]" : relay.host) + ":" + std::to_string(relay.port);
}

}  // namespace

FleetHealth::FleetHealth(std::string vantage, const Clock& clock) : vantage_(std::move(vantage)), clock_(clock) {}

void FleetHealth::set_fleet(Fleet fleet) {
  fleet_ = std::move(fleet);
  std::set<RelayId> relays;
  std::set<RegionKey> regions;
  for (const auto& cluster : fleet_.clusters) {
    for (const auto& region : cluster.regions) {
      regions.insert({cluster.name, region.name});
      for (const auto& relay : region.relays) {
        const RelayId id{cluster.name, region.name, relay.name};
        relays.insert(id);
        auto& entry = relays_[id];
        // The same name at another place is another relay.
        if (entry.relay.host != relay.host || entry.relay.port != relay.port) entry = {.since = clock_.system()};
        entry.relay = relay;
        entry.policy = policy_for(cluster.probing);
        entry.canary = cluster.probing.canary;
        entry.window = static_cast<std::size_t>(std::max<std::int64_t>(10, loss_window / cluster.probing.canary));
      }
    }
  }
  std::erase_if(relays_, [&](const auto& entry) { return !relays.contains(entry.first); });
  std::erase_if(regions_, [&](const auto& entry) { return !regions.contains(entry.first); });
  for (auto& [id, entry] : relays_) judge_again(id, entry);
  for (const auto& cluster : fleet_.clusters) serve_again(cluster);
}

FleetHealth::RelayEntry* FleetHealth::find(const RelayId& id) {
  const auto found = relays_.find(id);
  return found == relays_.end() ? nullptr : &found->second;
}

void FleetHealth::remember_echo(RelayEntry& entry, bool came_back) {
  entry.echoes.push_back(came_back);
  while (entry.echoes.size() > entry.window) entry.echoes.pop_front();
}

void FleetHealth::echoed(const RelayId& id, std::chrono::nanoseconds round_trip) {
  auto* entry = find(id);
  if (!entry) return;
  remember_echo(*entry, true);
  entry->echo = round_trip;
}

void FleetHealth::echo_lost(const RelayId& id) {
  if (auto* entry = find(id)) remember_echo(*entry, false);
}

bool FleetHealth::observed(const RelayId& id, Observation observation) {
  auto* entry = find(id);
  if (!entry) return false;
  const bool is_back = observation.usable && entry->observation && !entry->observation->usable;
  if (is_back) entry->probe_cause = api::Cause::none;
  if (observation.usable) entry->usable_at = observation.at;
  entry->observation = std::move(observation);
  judge_again(id, *entry);
  return is_back;
}

void FleetHealth::probed(const RelayId& id, ProbeResult result) {
  auto* entry = find(id);
  if (!entry) return;
  // A prober that could not do its work has learned nothing about the relay.
  if (result.cause != api::Cause::internal) entry->probe_cause = result.ok ? api::Cause::none : result.cause;
  entry->probe = std::move(result);
  judge_again(id, *entry);
}

std::optional<SteadyTime> FleetHealth::next_time() const {
  std::optional<SteadyTime> next;
  for (const auto& [id, entry] : relays_) {
    const auto& at = entry.state.judge_again;
    if (at && (!next || *at < *next)) next = at;
  }
  return next;
}

void FleetHealth::on_time() {
  const auto now = clock_.steady();
  for (auto& [id, entry] : relays_) {
    if (entry.state.judge_again && *entry.state.judge_again <= now) judge_again(id, entry);
  }
}

void FleetHealth::judge_again(const RelayId& id, RelayEntry& entry) {
  std::vector<Observation> observations;
  if (entry.observation) observations.push_back(*entry.observation);
  for (auto& seen : observations) {
    // The canary runs in this process and speaks up when the relay answers again; until then it is dead.
    if (!seen.usable) seen.at = clock_.steady();
    if (entry.relay.draining) {
      seen.cause = api::Cause::draining;
      seen.detail = "being taken out of service";
    } else if (seen.usable && entry.probe_cause != api::Cause::none) {
      seen.cause = entry.probe_cause;
      seen.detail = entry.probe->detail;
    }
  }
  const Judgement before = entry.state.judgement;
  entry.state = judge(observations, entry.state, entry.policy, clock_.steady());
  const Judgement& now = entry.state.judgement;
  if (now.verdict != before.verdict) entry.since = clock_.system();
  if (now.verdict == before.verdict && now.cause == before.cause) return;
  VerdictChange change{id, before.verdict, now, {}};
  if (now.verdict == api::Verdict::unhealthy && entry.usable_at) {
    change.first_miss = std::min(*entry.usable_at + entry.canary, clock_.steady());
    entry.usable_at.reset();
  }
  changes_.verdicts.push_back(std::move(change));
  const auto cluster = std::ranges::find(fleet_.clusters, id.cluster, &Cluster::name);
  if (cluster != fleet_.clusters.end() && now.verdict != before.verdict) serve_again(*cluster);
}

void FleetHealth::serve_again(const Cluster& cluster) {
  std::vector<RegionHealth> health;
  for (const auto& region : cluster.regions) {
    auto& to = health.emplace_back(RegionHealth{region.name, region.backups, {}});
    for (const auto& relay : region.relays) to.relays.push_back(verdict({cluster.name, region.name, relay.name}));
  }
  for (const auto& region : cluster.regions) {
    const auto by = serving_region(health, region.name);
    const auto [found, is_new] = regions_.try_emplace({cluster.name, region.name});
    auto& entry = found->second;
    if (!is_new && entry.served_by == by) continue;
    const auto from = std::exchange(entry.served_by, by);
    const bool returned = by == region.name;
    entry.cause = returned ? api::Cause::none : newest_cause(cluster, region.name);
    if (is_new && returned) continue;
    Failover failover{.at = clock_.system(),
                      .cluster = cluster.name,
                      .region = region.name,
                      .from = is_new ? region.name : from,
                      .to = by,
                      .cause = returned ? api::Cause::none : newest_cause(cluster, from.empty() ? region.name : from)};
    failovers_.push_front(failover);
    if (failovers_.size() > remembered_failovers) failovers_.pop_back();
    changes_.failovers.push_back(std::move(failover));
  }
}

api::Cause FleetHealth::newest_cause(const Cluster& cluster, const std::string& region) const {
  const Judgement* newest = nullptr;
  for (const auto& [id, entry] : relays_) {
    if (id.cluster != cluster.name || id.region != region) continue;
    const auto& judgement = entry.state.judgement;
    if (usable(judgement.verdict) || judgement.cause == api::Cause::none) continue;
    if (!newest || judgement.since > newest->since) newest = &judgement;
  }
  return newest ? newest->cause : api::Cause::none;
}

FleetChanges FleetHealth::take_changes() {
  return std::exchange(changes_, {});
}

api::Verdict FleetHealth::verdict(const RelayId& id) const {
  const auto found = relays_.find(id);
  return found == relays_.end() ? api::Verdict::unknown : found->second.state.judgement.verdict;
}

std::string FleetHealth::served_by(const std::string& cluster, const std::string& region) const {
  const auto found = regions_.find({cluster, region});
  return found == regions_.end() ? std::string() : found->second.served_by;
}

api::Cause FleetHealth::failover_cause(const std::string& cluster, const std::string& region) const {
  const auto found = regions_.find({cluster, region});
  return found == regions_.end() ? api::Cause::none : found->second.cause;
}

Status FleetHealth::status() const {
  Status status{.vantage = vantage_};
  for (const auto& cluster : fleet_.clusters) {
    auto& to_cluster = status.clusters.emplace_back(ClusterStatus{cluster.name, {}});
    for (const auto& region : cluster.regions) {
      auto& to_region =
          to_cluster.regions.emplace_back(RegionStatus{region.name, served_by(cluster.name, region.name), {}});
      for (const auto& relay : region.relays) {
        const auto& entry = relays_.at({cluster.name, region.name, relay.name});
        const auto& judgement = entry.state.judgement;
        const auto lost = std::ranges::count(entry.echoes, false);
        to_region.relays.push_back({.name = relay.name,
                                    .address = address_text(relay),
                                    .verdict = judgement.verdict,
                                    .cause = judgement.cause,
                                    .detail = judgement.detail,
                                    .since = entry.since,
                                    .echo = entry.echo,
                                    .loss_percent = entry.echoes.empty() ? 0
                                                                         : 100.0 * static_cast<double>(lost) /
                                                                               static_cast<double>(entry.echoes.size()),
                                    .probe = entry.probe});
      }
    }
  }
  status.failovers.assign(failovers_.begin(), failovers_.end());
  return status;
}

std::vector<RelayHealth> FleetHealth::relay_health() const {
  std::vector<RelayHealth> health;
  for (const auto& [id, entry] : relays_) {
    health.push_back({id, entry.state.judgement.verdict, entry.state.judgement.cause, entry.since});
  }
  return health;
}

}  // namespace turnkeeper::monitor
