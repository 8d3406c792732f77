#include "monitor/service/fleet_health.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "monitor/probe/impact.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

constexpr auto loss_window = 10s;
// How long a remembered verdict holds before anybody has seen the relay.
constexpr auto memory_holds = 10s;
constexpr auto standstill = 1s;

Policy policy_for(const api::Probing& probing) {
  Policy policy;
  // A canary renews its observation each second, or with each echo where those are rarer, and says so when they stay
  // away: twice that long, and it is the monitor that stands still.
  const std::chrono::nanoseconds silence = 2 * probing.misses * probing.canary + 2s;
  // Without a canary, full probes renew it, one of which may be late.
  const std::chrono::nanoseconds probes = probing.canary.count() == 0 ? 3 * probing.full : 0ms;
  policy.freshness = std::max({policy.freshness, silence, probes});
  return policy;
}

bool is_draining(const RelayRecord& record) {
  return record.relay.draining || (record.facts.agent && record.facts.agent->draining);
}

bool is_loopback_host(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace

FleetHealth::FleetHealth(std::string vantage, const Clock& clock) : vantage_(std::move(vantage)), clock_(clock) {
  vantages_.push_back({.name = vantage_, .since = clock_.steady()});
}

void FleetHealth::set_fleet(Fleet fleet) {
  fleet_ = std::move(fleet);
  std::set<RelayId> relays;
  std::set<RegionKey> regions;
  due_ = {};
  for (const auto& cluster : fleet_.clusters) {
    for (const auto& region : cluster.regions) {
      regions.insert({cluster.name, region.name});
      for (const auto& relay : region.relays) {
        const RelayId id{cluster.name, region.name, relay.name};
        relays.insert(id);
        auto& record = relays_[id];
        // The same name at another place is another relay.
        if (record.relay.uris != relay.uris) record = {.id = id, .since = clock_.system()};
        record.relay = relay;
        const auto& probing = relay.probing ? *relay.probing : cluster.probing;
        record.policy = policy_for(probing);
        record.policy.draining = is_draining(record);
        // What is known of keys that are gone interests nobody.
        std::erase_if(record.facts.keys, [&](const auto& entry) {
          const auto same = [&](const api::SigningKey& key) { return key.id == entry.first; };
          return std::ranges::none_of(cluster.signing_keys, same) && std::ranges::none_of(cluster.removed_keys, same);
        });
        record.elsewhere = !is_loopback_host(canary_uri(relay).host);
        record.external = region.external;
        record.interval = probing.canary;
        record.patience = probing.misses * probing.canary;
        record.probe_interval = probing.full;
        const auto echoes = record.has_canary() ? loss_window / record.interval : 0;
        record.echoes.resize(static_cast<std::size_t>(std::max<std::int64_t>(10, echoes)));
        record.due.reset();
      }
    }
  }
  std::erase_if(relays_, [&](const auto& entry) { return !relays.contains(entry.first); });
  std::erase_if(regions_, [&](const auto& entry) { return !regions.contains(entry.first); });
  for (auto& [key, region] : regions_) region.verdicts = {};
  for (auto& [id, record] : relays_) {
    ++regions_[{id.cluster, id.region}].verdicts[static_cast<std::size_t>(record.state.judgement.verdict)];
  }
  incidents_.set_relays({relays.begin(), relays.end()}, clock_.system());
  for (auto& [id, record] : relays_) judge_again(record);
  for (const auto& cluster : fleet_.clusters) serve_again(cluster);
  order_soon();
}

RelayRecord* FleetHealth::relay(const RelayId& id) {
  const auto found = relays_.find(id);
  return found == relays_.end() ? nullptr : &found->second;
}

void FleetHealth::echoed(RelayRecord& relay, std::chrono::nanoseconds round_trip) {
  relay.echoes.add(true);
  relay.round_trip = round_trip;
  const auto now = clock_.steady();
  relay.least_round_trip.add(round_trip, now);
  sign_of_life(relay, now - round_trip);
}

bool FleetHealth::observed(RelayRecord& relay, Observation observation) {
  const auto now = clock_.steady();
  notice_standstill(now);
  if (observation.vantage != vantage_) {
    const auto number = vantage_number(observation.vantage);
    put(relay, number, std::move(observation));
    return false;
  }
  const bool is_back = observation.usable && relay.canary && !relay.canary->usable;
  if (is_back) relay.probes.forget();
  if (observation.usable) relay.died = false;
  if (observation.usable || !is_silence(observation.cause)) {
    sign_of_life(relay, observation.at);
  } else if (observation.cause == api::Cause::internal) {
    observation.blind = true;  // whoever could not do its work has learned nothing about the relay
  } else if (relay.elsewhere) {
    const bool others_speak = heard_at_ && now - *heard_at_ <= relay.patience;
    if (!blind_ && !others_speak && sees_nothing(now)) set_blind(true);
    observation.blind = blind_;
    // Before the others' word for it may end, it is asked once more.
    const bool is_news = relay.canary && relay.canary->usable;
    const bool vouched_for = std::ranges::any_of(relay.seen, [](const RelayRecord::Seen& seen) {
      return seen.vantage != own && seen.observation.usable && !seen.observation.blind;
    });
    if (is_news && vouched_for && !blind_) changes_.recheck.push_back(relay.id);
  }
  relay.canary = std::move(observation);
  put_own(relay);
  return is_back;
}

void FleetHealth::agent_said(RelayRecord& relay, const AgentState* state) {
  const RelayFacts before = relay.facts;
  relay.facts.agent = state ? std::optional(*state) : std::nullopt;
  changes_.facts = changes_.facts || without_numbers(before) != without_numbers(relay.facts);
  const bool draining = is_draining(relay);
  if (std::exchange(relay.policy.draining, draining) != draining) judge_again(relay);
}

void FleetHealth::key_tried(RelayRecord& relay, const std::string& key, KeyProof proof) {
  relay.facts.keys[key] = proof;
  changes_.facts = true;
}

bool FleetHealth::probed(RelayRecord& relay, ProbeResult result) {
  if (result.certificate) {
    CertificateSeen seen{result.certificate->serial, result.certificate->not_after};
    changes_.facts = changes_.facts || relay.facts.certificate != seen;
    relay.facts.certificate = std::move(seen);
  }
  const auto now = clock_.steady();
  if (result.ok) sign_of_life(relay, now - result.total);
  const bool ok = result.ok;
  const bool telling = ok || impact(result.cause) != Impact::unknown;
  const bool again = relay.probes.add(std::move(result), now, relay.probe_interval);
  if (!relay.has_canary() && telling && !again) {
    relay.canary = Observation{.vantage = vantage_, .usable = true, .at = now, .blind = !ok && blind_};
  }
  if (relay.canary) put_own(relay);
  return again;
}

void FleetHealth::echoed(const RelayId& id, std::chrono::nanoseconds round_trip) {
  if (auto* record = relay(id)) echoed(*record, round_trip);
}

void FleetHealth::echo_lost(const RelayId& id) {
  if (auto* record = relay(id)) echo_lost(*record);
}

bool FleetHealth::observed(const RelayId& id, Observation observation) {
  auto* record = relay(id);
  return record && observed(*record, std::move(observation));
}

bool FleetHealth::probed(const RelayId& id, ProbeResult result) {
  auto* record = relay(id);
  return record && probed(*record, std::move(result));
}

void FleetHealth::observed(std::vector<SeenRelay> seen) {
  for (auto& one : seen) observed(one.id, std::move(one.observation));
}

std::vector<RelayMemory> FleetHealth::memory() const {
  std::vector<RelayMemory> memory;
  for (const auto& [id, record] : relays_) {
    const auto& [verdict, cause, detail, since] = record.state.judgement;
    if (verdict == api::Verdict::unknown) continue;
    memory.push_back({id, verdict, cause, detail, since, record.state.falls, record.state.usable_since});
  }
  return memory;
}

void FleetHealth::remember(const std::vector<RelayMemory>& memory) {
  for (const auto& past : memory) {
    auto* record = relay(past.id);
    if (!record || record->state.judgement.verdict != api::Verdict::unknown) continue;
    const auto before = std::exchange(record->state.judgement, {past.verdict, past.cause, past.detail, past.since});
    record->state.falls = past.falls;
    record->state.usable_since = past.usable_since;
    record->state.remembered_until = clock_.steady() + memory_holds;
    changed(*record, before);
    judge_again(*record);
  }
}

std::vector<SeenRelay> FleetHealth::own_observations() const {
  std::vector<SeenRelay> all;
  for (const auto& [id, record] : relays_) {
    for (const auto& seen : record.seen) {
      if (seen.vantage == own) all.push_back({id, seen.observation});
    }
  }
  return all;
}

void FleetHealth::put_own(RelayRecord& relay) {
  Observation observation = *relay.canary;
  relay.probes.apply(observation);
  observation.round_trip = relay.least_round_trip.value();
  changes_.own.push_back({relay.id, observation});
  put(relay, own, std::move(observation));
}

void FleetHealth::put(RelayRecord& relay, std::uint32_t vantage, Observation observation) {
  const auto now = clock_.steady();
  auto found = std::ranges::find(relay.seen, vantage, &RelayRecord::Seen::vantage);
  if (found == relay.seen.end()) {
    found = relay.seen.insert(vantage == own ? relay.seen.begin() : relay.seen.end(),
                              {vantage, std::move(observation), now});
  } else {
    const bool nothing_new =
        same_opinion(found->observation, observation) && now - stood_at(relay, *found, now) <= relay.policy.freshness;
    if (found->observation.usable != observation.usable) found->turned = now;
    found->observation = std::move(observation);
    if (nothing_new) return;
  }
  judge_again(relay);
}

// What waits far beyond its time shows that this process stood still, or was not run: nothing went stale meanwhile.
void FleetHealth::notice_standstill(SteadyTime now) {
  if (!due_.empty() && now - due_.top().at > standstill) awake_at_ = now;
}

std::optional<SteadyTime> FleetHealth::next_time() const {
  std::optional<SteadyTime> next = incidents_.next_time();
  if (!due_.empty()) next = std::min(due_.top().at, next.value_or(SteadyTime::max()));
  for (const auto& at : {look_at_, order_at_}) {
    if (at) next = std::min(*at, next.value_or(SteadyTime::max()));
  }
  return next;
}

void FleetHealth::on_time() {
  const auto now = clock_.steady();
  notice_standstill(now);
  look_again(now);
  order_again(now);
  while (!due_.empty() && due_.top().at <= now) {
    const auto [at, relay] = due_.top();
    due_.pop();
    if (relay->due != at) continue;
    relay->due.reset();
    judge_again(*relay);
  }
  incidents_.on_time(now, clock_.system());
}

void FleetHealth::wait_for(RelayRecord& relay) {
  const auto& at = relay.state.judge_again;
  // Most waits are for an observation to go stale and are put off by each new one: the first is left to end, then the
  // rest of the time is waited for.
  if (!at || (relay.due && *relay.due <= *at)) return;
  relay.due = at;
  due_.push({*at, &relay});
}

void FleetHealth::judge_again(RelayRecord& relay) {
  const auto now = clock_.steady();
  std::optional<SteadyTime> recount_at;
  ballots_.clear();
  for (const auto& seen : relay.seen) ballots_.push_back(ballot(relay, seen, now, recount_at));
  Judgement before = relay.state.judgement;
  relay.state = judge(ballots_, relay.state, relay.policy, now);
  if (recount_at) relay.state.judge_again = std::min(*recount_at, relay.state.judge_again.value_or(*recount_at));
  wait_for(relay);
  changed(relay, before);
}

void FleetHealth::changed(RelayRecord& relay, const Judgement& before) {
  const Judgement& now = relay.state.judgement;
  if (now.verdict == before.verdict && now.cause == before.cause) return;
  const auto steady = clock_.steady();
  VerdictChange change{relay.id, before.verdict, now, {}, votes(relay, steady)};
  // By the canary, or by a full probe that was refused before the canary's patience was over.
  const auto mine = std::ranges::find(relay.seen, own, &RelayRecord::Seen::vantage);
  const bool found_here = mine != relay.seen.end() && !mine->observation.usable && relay.heard_at;
  if (now.verdict == api::Verdict::unhealthy && found_here && !std::exchange(relay.died, true)) {
    change.first_miss = std::min(*relay.heard_at + relay.interval, steady);
  }
  changes_.verdicts.push_back(std::move(change));
  incidents_.judged({relay.id, now.verdict, now.cause, now.detail}, steady, clock_.system());
  if (now.verdict == before.verdict) return;
  relay.since = clock_.system();
  auto& verdicts = regions_[{relay.id.cluster, relay.id.region}].verdicts;
  --verdicts[static_cast<std::size_t>(before.verdict)];
  ++verdicts[static_cast<std::size_t>(now.verdict)];
  const auto cluster = std::ranges::find(fleet_.clusters, relay.id.cluster, &Cluster::name);
  if (cluster != fleet_.clusters.end()) serve_again(*cluster);
}

FleetChanges FleetHealth::take_changes() {
  changes_.incidents = incidents_.take_events();
  return std::exchange(changes_, {});
}

api::Verdict FleetHealth::verdict(const RelayId& id) const {
  const auto found = relays_.find(id);
  return found == relays_.end() ? api::Verdict::unknown : found->second.state.judgement.verdict;
}

}  // namespace turnkeeper::monitor
