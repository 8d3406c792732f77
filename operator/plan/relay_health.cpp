#include "operator/plan/relay_health.hpp"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <array>

namespace turnkeeper::op {
namespace {

// From the best to the worst.
constexpr std::array verdicts{api::Verdict::healthy, api::Verdict::degraded, api::Verdict::unknown,
                              api::Verdict::draining, api::Verdict::unhealthy};

SystemTime time_of(const google::protobuf::Timestamp& timestamp) {
  return SystemTime(std::chrono::duration_cast<SystemTime::duration>(std::chrono::seconds(timestamp.seconds()) +
                                                                     std::chrono::nanoseconds(timestamp.nanos())));
}

std::optional<std::uint64_t> known(bool has, std::uint64_t value) {
  return has ? std::optional(value) : std::nullopt;
}

AgentState agent_state(const v1::AgentState& from) {
  return {.sessions = from.has_sessions() ? std::optional(from.sessions()) : std::nullopt,
          .sent_bytes = known(from.has_sent_bytes(), from.sent_bytes()),
          .received_bytes = known(from.has_received_bytes(), from.received_bytes()),
          .bits_per_second = known(from.has_bits_per_second(), from.bits_per_second()),
          .keys = {from.keys().begin(), from.keys().end()},
          .config_hash = from.config_hash(),
          .version = from.version(),
          .draining = from.draining(),
          .starts = from.starts(),
          .certificate_serial = from.certificate_serial()};
}

RelayFacts facts_of(const v1::RelayHealth& from) {
  RelayFacts facts;
  for (const auto& proof : from.keys()) {
    facts.keys[proof.key()] = {.accepted = proof.accepted(), .at = time_of(proof.at())};
  }
  if (from.has_agent()) facts.agent = agent_state(from.agent());
  if (from.has_certificate()) {
    facts.certificate = {.serial = from.certificate().serial(), .not_after = time_of(from.certificate().not_after())};
  }
  return facts;
}

// `from` was heard after what is in `into`.
void take_newest(RelayFacts& into, const RelayFacts& from) {
  for (const auto& [key, proof] : from.keys) {
    auto& newest = into.keys.try_emplace(key, proof).first->second;
    if (proof.at > newest.at || (proof.at == newest.at && proof.accepted)) newest = proof;
  }
  if (from.agent) into.agent = from.agent;
  if (from.certificate) into.certificate = from.certificate;
}

// The verdict that most of them give.
template <class Health>
api::Verdict most(const std::vector<const Health*>& opinions) {
  auto best = api::Verdict::unknown;
  int best_count = 0;
  for (const auto verdict : verdicts) {
    int count = 0;
    for (const auto* opinion : opinions) count += opinion->verdict == verdict ? 1 : 0;
    if (count > best_count) {
      best = verdict;
      best_count = count;
    }
  }
  return best;
}

ProviderHealth by_most(const std::vector<const ProviderHealth*>& opinions) {
  ProviderHealth health{.verdict = most(opinions)};
  std::size_t in_trouble = 0;
  for (const auto* opinion : opinions) {
    if (opinion->verdict == health.verdict && health.cause == api::Cause::none) health.cause = opinion->cause;
    if (opinion->trouble.empty()) continue;
    ++in_trouble;
    if (health.trouble.empty()) health.trouble = opinion->trouble;
  }
  if (2 * in_trouble <= opinions.size()) health.trouble.clear();
  return health;
}

}  // namespace

VantageReport vantage_report(const v1::HealthReport& report, const std::string& cluster, SystemTime heard) {
  VantageReport result{.vantage = report.vantage(), .heard = heard, .relays = {}, .facts = {}, .providers = {}};
  for (const auto& relay : report.relays()) {
    if (relay.cluster() != cluster) continue;
    result.relays[relay.relay()] = {.verdict = api::parse_verdict(relay.verdict()).value_or(api::Verdict::unknown),
                                    .cause = api::parse_cause(relay.cause()).value_or(api::Cause::none),
                                    .since = time_of(relay.since())};
    if (auto facts = facts_of(relay); facts != RelayFacts()) result.facts.emplace(relay.relay(), std::move(facts));
  }
  for (const auto& provider : report.providers()) {
    if (provider.cluster() != cluster) continue;
    result.providers[provider.provider()] = {
        .verdict = api::parse_verdict(provider.verdict()).value_or(api::Verdict::unknown),
        .cause = api::parse_cause(provider.cause()).value_or(api::Cause::none),
        .trouble = provider.trouble()};
  }
  for (const auto& order : report.orders()) {
    if (order.cluster() == cluster)
      result.nearest[order.region()].assign(order.nearest().begin(), order.nearest().end());
  }
  return result;
}

bool differ_in_numbers_only(const VantageReport& one, const VantageReport& other) {
  const auto calm = [](std::map<std::string, RelayFacts> facts) {
    for (auto& [relay, of_relay] : facts) of_relay = without_numbers(std::move(of_relay));
    return facts;
  };
  return one.relays == other.relays && one.providers == other.providers && one.nearest == other.nearest &&
         calm(one.facts) == calm(other.facts);
}

ClusterHealth cluster_health(const std::vector<VantageReport>& reports, SystemTime now) {
  ClusterHealth health;
  std::vector<const VantageReport*> fresh;
  for (const auto& report : reports) {
    if (now - report.heard < report_lifetime) fresh.push_back(&report);
  }
  std::ranges::stable_sort(fresh, {}, &VantageReport::heard);
  health.heard = std::ranges::any_of(fresh, [](const auto* report) { return !report->relays.empty(); });
  std::map<std::string, std::vector<const RelayHealth*>> opinions;
  std::map<std::string, std::vector<const ProviderHealth*>> of_providers;
  std::map<std::string, std::map<std::vector<std::string>, int>> orders;
  for (const auto* report : fresh) {
    for (const auto& [region, nearest] : report->nearest) ++orders[region][nearest];
    for (const auto& [provider, opinion] : report->providers) of_providers[provider].push_back(&opinion);
    for (const auto& [relay, opinion] : report->relays) opinions[relay].push_back(&opinion);
    for (const auto& [relay, facts] : report->facts) take_newest(health.facts[relay], facts);
  }
  for (const auto& [relay, of_relay] : opinions) {
    const auto verdict = most(of_relay);
    // The first to have come to it says since when and why.
    const RelayHealth* spokesman = nullptr;
    for (const auto* opinion : of_relay) {
      if (opinion->verdict != verdict) continue;
      if (spokesman == nullptr || opinion->since < spokesman->since) spokesman = opinion;
    }
    health.relays.emplace(relay, *spokesman);
  }
  for (const auto& [provider, of_provider] : of_providers) health.providers.emplace(provider, by_most(of_provider));
  for (const auto& [region, of_region] : orders) {
    health.nearest[region] =
        std::ranges::max_element(of_region, {}, [](const auto& entry) { return entry.second; })->first;
  }
  return health;
}

}  // namespace turnkeeper::op
