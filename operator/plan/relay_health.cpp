#include "operator/plan/relay_health.hpp"

#include <google/protobuf/util/time_util.h>

#include <array>

namespace turnkeeper::op {
namespace {

// From the best to the worst.
constexpr std::array verdicts{api::Verdict::healthy, api::Verdict::degraded, api::Verdict::unknown,
                              api::Verdict::draining, api::Verdict::unhealthy};

SystemTime time_of(const google::protobuf::Timestamp& timestamp) {
  return SystemTime(std::chrono::seconds(timestamp.seconds()));
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
  VantageReport result{.vantage = report.vantage(), .heard = heard, .relays = {}};
  for (const auto& relay : report.relays()) {
    if (relay.cluster() != cluster) continue;
    result.relays[relay.relay()] = {.verdict = api::parse_verdict(relay.verdict()).value_or(api::Verdict::unknown),
                                    .cause = api::parse_cause(relay.cause()).value_or(api::Cause::none),
                                    .since = time_of(relay.since())};
  }
  return result;
}

ClusterHealth cluster_health(const std::vector<VantageReport>& reports, SystemTime now) {
  ClusterHealth health;
  std::map<std::string, std::vector<const RelayHealth*>> opinions;
  for (const auto& report : reports) {
    if (now - report.heard >= report_lifetime) continue;
    health.heard = true;
    for (const auto& [relay, opinion] : report.relays) opinions[relay].push_back(&opinion);
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
