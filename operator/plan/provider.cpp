#include "operator/plan/provider.hpp"

#include <algorithm>

namespace turnkeeper::op {
namespace {

bool can_serve(api::Verdict verdict) {
  return verdict == api::Verdict::healthy || verdict == api::Verdict::degraded;
}

std::string trouble_of(const ProviderHealth& health) {
  if (!health.trouble.empty()) {
    return can_serve(health.verdict) ? "it gave no new credentials, those that there are still work: " + health.trouble
                                     : "it gives no credentials: " + health.trouble;
  }
  if (health.verdict == api::Verdict::unknown || can_serve(health.verdict)) return {};
  std::string text = "its relays are " + std::string(api::verdict_name(health.verdict));
  if (health.cause == api::Cause::none) return text;
  return text + " (" + std::string(api::cause_name(health.cause)) + "); see the runbook's section of that name";
}

}  // namespace

std::vector<ProviderState> provider_states(const api::TurnCluster& cluster, const Secrets& secrets,
                                           const UnreadSecrets& unread, const ClusterHealth& health) {
  std::vector<ProviderState> states;
  for (const auto& provider : cluster.spec.failover.providers) {
    auto& state =
        states.emplace_back(ProviderState{.name = provider.name, .cost_per_gigabyte = provider.cost_per_gigabyte});
    if (const auto found = health.providers.find(provider.name); found != health.providers.end()) {
      state.usable = can_serve(found->second.verdict);
      state.trouble = trouble_of(found->second);
    }
    if (provider.secret.name.empty()) continue;
    if (const auto entry = secret_entry(secrets, unread, provider.secret); !entry) {
      state.secret_usable = false;
      state.trouble = place_of(provider.secret) + ": " + entry.error().message + "; " +
                      (secrets.contains(provider.secret.name)
                           ? "write the provider's token or password there"
                           : "make it with kubectl -n " + cluster.namespace_name + " create secret generic " +
                                 provider.secret.name + " --from-file=" + provider.secret.key + "=FILE");
    }
  }
  return states;
}

api::Condition providers_usable(const std::vector<ProviderState>& providers, bool heard) {
  const auto condition = [](api::ConditionStatus status, const char* reason, std::string message) {
    return api::Condition{.type = "ProvidersUsable", .status = status, .reason = reason, .message = std::move(message)};
  };
  std::string troubles;
  std::string unproven;
  for (const auto& provider : providers) {
    if (!provider.trouble.empty()) {
      troubles += (troubles.empty() ? "" : "; ") + ("provider " + provider.name + ": ") + provider.trouble;
    } else if (!provider.usable) {
      unproven += (unproven.empty() ? "" : ", ") + provider.name;
    }
  }
  if (!troubles.empty()) {
    const bool secrets = std::ranges::any_of(providers, [](const auto& provider) { return !provider.secret_usable; });
    return condition(api::ConditionStatus::no, secrets ? "SecretUnusable" : "ProviderFailing", std::move(troubles));
  }
  if (!heard) return condition(api::ConditionStatus::unknown, "MonitorNotHeard", not_heard);
  if (!unproven.empty()) {
    return condition(api::ConditionStatus::unknown, "NotProvenYet", "no relay is proven yet of " + unproven);
  }
  const auto count = providers.size();
  return condition(api::ConditionStatus::yes, "AllProvidersUsable",
                   count == 1 ? "provider " + providers.front().name + " can take clients"
                              : "all " + std::to_string(count) + " providers can take clients");
}

}  // namespace turnkeeper::op
