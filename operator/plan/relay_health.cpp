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
  return {.sessions = static_cast<int>(from.sessions()),
          .sent_bytes = known(from.has_sent_bytes(), from.sent_bytes()),
          .received_bytes = known(from.has_received_bytes(), from.received_bytes()),
          .bits_per_second = known(from.has_bits_per_second(), from.bits_per_second()),
          .keys = {from.keys().begin(), from.keys().end()},
          .config_hash = from.config_hash(),
          .version = from.version(),
          .certificate_serial = from.certificate_serial(),
          .draining = from.draining(),
          .starts = static_cast<int>(from.starts())};
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

void forget_numbers(RelayFacts& facts) {
  for (auto& [key, proof] : facts.keys) proof.at = {};
  if (!facts.agent) return;
  facts.agent->sessions = 0;
  facts.agent->sent_bytes = facts.agent->received_bytes = facts.agent->bits_per_second = std::nullopt;
}

// The verdict that most of them give.
api::Verdict most(const std::vector<const RelayHealth*>& opinions) {
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

}  // namespace

VantageReport vantage_report(const v1::HealthReport& report, const std::string& cluster, SystemTime heard) {
  VantageReport result{.vantage = report.vantage(), .heard = heard, .relays = {}, .facts = {}};
  for (const auto& relay : report.relays()) {
    if (relay.cluster() != cluster) continue;
    result.relays[relay.relay()] = {.verdict = api::parse_verdict(relay.verdict()).value_or(api::Verdict::unknown),
                                    .cause = api::parse_cause(relay.cause()).value_or(api::Cause::none),
                                    .since = time_of(relay.since())};
    if (auto facts = facts_of(relay); facts != RelayFacts()) result.facts.emplace(relay.relay(), std::move(facts));
  }
  return result;
}

bool differ_in_numbers_only(const VantageReport& one, const VantageReport& other) {
  const auto calm = [](std::map<std::string, RelayFacts> facts) {
    for (auto& [relay, of_relay] : facts) forget_numbers(of_relay);
    return facts;
  };
  return one.relays == other.relays && calm(one.facts) == calm(other.facts);
}

ClusterHealth cluster_health(const std::vector<VantageReport>& reports, SystemTime now) {
  ClusterHealth health;
  std::vector<const VantageReport*> fresh;
  for (const auto& report : reports) {
    if (now - report.heard < report_lifetime) fresh.push_back(&report);
  }
  std::ranges::stable_sort(fresh, {}, &VantageReport::heard);
  health.heard = !fresh.empty();
  std::map<std::string, std::vector<const RelayHealth*>> opinions;
  for (const auto* report : fresh) {
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
  return health;
}

}  // namespace turnkeeper::op
