#include "operator/plan/status.hpp"

#include <algorithm>
#include <set>

#include "operator/plan/roll.hpp"
#include "operator/resources/names.hpp"
#include "operator/resources/ordinals.hpp"

namespace turnkeeper::op {
namespace {

using api::Cause;
using api::ConditionStatus;
using api::Verdict;

// One relay that there should be, with what is known of it.
struct Relay {
  std::string name;
  const RelayPod* pod = nullptr;
  RelayStatus status;
  bool serves = false;
  bool outdated = false;
  bool unreachable = false;
  // It is still coming up: not there, or neither working nor known to have worked.
  [[nodiscard]] bool starting() const {
    if (unreachable) return false;
    if (pod == nullptr || !pod->running) return true;
    return (!serves || !pod->containers_ready) && pod->proof != Proof::failed && pod->proof != Proof::proven;
  }
};

struct RegionView {
  const api::Region* region;
  std::vector<Relay> relays;
  [[nodiscard]] bool serves() const {
    return std::ranges::any_of(relays, [](const Relay& relay) { return relay.serves; });
  }
};

constexpr const char* does_not_start = " does not start (";

std::string list_text(const std::vector<std::string>& items) {
  constexpr std::size_t shown = 4;
  std::string text;
  std::set<std::string> told;
  for (std::size_t i = 0; i < items.size() && i < shown; ++i) {
    // What a scheduler or a registry says fills lines: once is enough.
    const auto trouble = items[i].find(does_not_start);
    const bool again = trouble != std::string::npos && !told.insert(items[i].substr(trouble)).second;
    text += (i > 0 ? ", " : "") + (again ? items[i].substr(0, trouble) + " likewise" : items[i]);
  }
  if (items.size() > shown) text += " and " + std::to_string(items.size() - shown) + " more";
  return text;
}

std::string count_text(std::size_t count, const char* noun) {
  return std::to_string(count) + ' ' + noun + (count == 1 ? "" : "s");
}

RelayStatus judge(const std::string& region, const std::string& name, const RelayPod* pod,
                  const ClusterHealth& health) {
  RelayStatus status{.name = name, .region = region};
  if (pod == nullptr) return status;
  if (!pod->addresses.empty()) status.address = pod->addresses.front();
  const auto facts = health.facts.find(name);
  if (facts != health.facts.end() && facts->second.agent) {
    status.version = facts->second.agent->version;
    status.sessions = facts->second.agent->sessions;
  }
  const auto found = health.relays.find(name);
  if (found != health.relays.end()) {
    status.verdict = found->second.verdict;
    status.cause = found->second.cause;
    status.since = found->second.since;
  }
  if (pod->deleting && status.verdict != Verdict::unhealthy) {
    status.verdict = Verdict::draining;
    status.cause = Cause::none;
    status.since = {};
  }
  return status;
}

// A verdict that nobody dated began when it was first written down.
void date(RelayStatus& status, const nlohmann::json& previous, SystemTime now) {
  if (status.since != SystemTime{}) return;
  status.since = std::chrono::floor<std::chrono::seconds>(now);
  if (!previous.is_object() || !previous.contains("relays")) return;
  for (const auto& old : previous.at("relays")) {
    if (old.value("name", "") != status.name || old.value("verdict", "") != api::verdict_name(status.verdict)) continue;
    status.since = parse_rfc3339(old.value("since", "")).value_or(status.since);
  }
}

void settle_sessions(RelayStatus& status, const nlohmann::json& previous, bool fresh) {
  if (!status.sessions || !previous.is_object() || !previous.contains("relays")) return;
  for (const auto& old : previous.at("relays")) {
    if (old.value("name", "") != status.name || !old.contains("sessions")) continue;
    const auto before = old.at("sessions").get<std::int64_t>();
    const auto off = std::abs(*status.sessions - before);
    if (!fresh || off < std::max<std::int64_t>(5, before / 10)) status.sessions = before;
  }
}

std::vector<RegionView> view(const api::TurnCluster& cluster, const StatusInput& input, SystemTime now) {
  std::vector<RegionView> regions;
  for (const auto& region : cluster.spec.regions) {
    RegionView view{.region = &region, .relays = {}};
    for (const int ordinal : ordinals_of(region)) {
      Relay relay{.name = relay_name(region.name, ordinal)};
      const auto pod = std::ranges::find(input.pods, relay.name, &RelayPod::relay);
      if (pod != input.pods.end()) relay.pod = &*pod;
      relay.status = judge(region.name, relay.name, relay.pod, input.health);
      date(relay.status, input.previous, now);
      settle_sessions(relay.status, input.previous, input.fresh_figures);
      relay.unreachable = input.unreachable.contains(site_of(region));
      // The readiness that was seen last at a site that cannot be reached says nothing of now.
      relay.serves =
          relay.pod != nullptr && works(*relay.pod, input.health) && (!relay.unreachable || input.health.heard);
      relay.outdated = relay.pod != nullptr && is_outdated(*relay.pod, input.target_revisions);
      view.relays.push_back(std::move(relay));
    }
    regions.push_back(std::move(view));
  }
  return regions;
}

// The region itself and its backups, then the providers; or as their use has it: the same order as the monitors'.
std::string served_by(const api::Spec& spec, const ClusterHealth& health, const RegionView& view,
                      const std::vector<RegionView>& regions, const std::vector<ProviderState>& providers) {
  struct Server {
    std::string name;
    bool serves = false;
    bool ours = true;
    double cost = 0;
  };
  const double own_cost = spec.budget ? spec.budget->per_gigabyte : 0;
  std::vector<Server> servers = {{view.region->name, view.serves(), true, own_cost}};
  for (const auto& backup : backups_of(spec, *view.region, health)) {
    const auto other =
        std::ranges::find_if(regions, [&](const RegionView& region) { return region.region->name == backup; });
    if (other != regions.end()) servers.push_back({backup, other->serves(), true, own_cost});
  }
  for (const auto& provider : providers) {
    servers.push_back({"provider " + provider.name, provider.usable, false, provider.cost_per_gigabyte});
  }
  if (spec.failover.use == api::ProviderUse::only) std::ranges::stable_sort(servers, {}, &Server::ours);
  if (spec.failover.use == api::ProviderUse::cheapest) std::ranges::stable_sort(servers, {}, &Server::cost);
  const auto first = std::ranges::find(servers, true, &Server::serves);
  return first == servers.end() ? std::string() : first->name;
}

RegionStatus region_status(const api::Spec& spec, const ClusterHealth& health, const RegionView& view,
                           const std::vector<RegionView>& regions, const std::vector<ProviderState>& providers) {
  const auto count = [&](Verdict verdict) {
    return static_cast<int>(
        std::ranges::count_if(view.relays, [&](const Relay& relay) { return relay.status.verdict == verdict; }));
  };
  RegionStatus status{
      .name = view.region->name, .relays = static_cast<int>(view.relays.size()), .healthy = count(Verdict::healthy)};
  if (status.healthy == status.relays) {
    status.verdict = Verdict::healthy;
  } else if (status.healthy + count(Verdict::degraded) > 0) {
    status.verdict = Verdict::degraded;
  } else if (count(Verdict::unhealthy) > 0) {
    status.verdict = Verdict::unhealthy;
  } else if (count(Verdict::draining) == status.relays) {
    status.verdict = Verdict::draining;
  }
  status.served_by = served_by(spec, health, view, regions, providers);
  return status;
}

// "eu-0 is Unhealthy (connect-timeout)": why a relay does not serve.
std::string why_not(const Relay& relay, bool heard) {
  if (relay.unreachable && (!heard || relay.status.verdict == Verdict::unknown)) {
    return relay.name + " is in a Kubernetes cluster that cannot be reached";
  }
  if (relay.pod == nullptr) return relay.name + " has no pod yet";
  if (relay.pod->deleting) return relay.name + " is draining";
  if (!relay.pod->trouble.empty()) return relay.name + does_not_start + relay.pod->trouble + ')';
  if (!relay.pod->running) return relay.name + " is starting";
  if (heard && relay.status.verdict != Verdict::unknown) {
    std::string text = relay.name + " is " + std::string(api::verdict_name(relay.status.verdict));
    if (relay.status.cause != Cause::none) text += " (" + std::string(api::cause_name(relay.status.cause)) + ')';
    return text;
  }
  if (!relay.pod->ready) return relay.name + " is not ready";
  return relay.name + " is not proven yet";
}

api::Condition ready(const std::vector<RegionView>& views, const std::vector<RegionStatus>& regions, bool heard) {
  std::vector<std::string> texts;
  bool down = false;
  bool proven_bad = false;
  bool draining = false;
  bool out_of_sight = false;
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto& region = regions[i];
    if (views[i].serves()) continue;
    std::vector<std::string> reasons;
    for (const auto& relay : views[i].relays) {
      reasons.push_back(why_not(relay, heard));
      out_of_sight = out_of_sight || (relay.unreachable && relay.status.verdict == Verdict::unknown);
      draining = draining || relay.status.verdict == Verdict::draining;
      proven_bad = proven_bad || (relay.pod != nullptr && relay.status.verdict == Verdict::unhealthy);
    }
    down = down || region.served_by.empty();
    texts.push_back(region.name +
                    (region.served_by.empty() ? " is served by nobody" : " is served by " + region.served_by) + ": " +
                    list_text(reasons));
  }
  if (!texts.empty()) {
    const char* reason = proven_bad     ? (down ? "RegionDown" : "FailedOver")
                         : out_of_sight ? "SiteUnreachable"
                         : draining     ? "RelaysDraining"
                                        : "RelaysStarting";
    return {.type = "Ready",
            .status = out_of_sight && !proven_bad ? ConditionStatus::unknown : ConditionStatus::no,
            .reason = reason,
            .message = list_text(texts)};
  }
  if (!heard) {
    return {.type = "Ready",
            .status = ConditionStatus::yes,
            .reason = "MonitorNotHeard",
            .message = std::string("judged by the pods' readiness alone: ") + not_heard};
  }
  return {.type = "Ready",
          .status = ConditionStatus::yes,
          .reason = "AllRegionsServe",
          .message = count_text(views.size(), "region") +
                     (views.size() == 1 ? " serves its clients" : " serve their clients")};
}

api::Condition relays_healthy(const std::vector<RegionView>& views, bool heard) {
  if (!heard) {
    return {
        .type = "RelaysHealthy", .status = ConditionStatus::unknown, .reason = "MonitorNotHeard", .message = not_heard};
  }
  std::size_t total = 0;
  std::vector<std::string> reasons;
  for (const auto& view : views) {
    for (const auto& relay : view.relays) {
      ++total;
      if (relay.status.verdict != Verdict::healthy) reasons.push_back(why_not(relay, heard));
    }
  }
  const auto message = std::to_string(total - reasons.size()) + " of " + count_text(total, "relay") + " healthy";
  if (reasons.empty()) {
    return {.type = "RelaysHealthy", .status = ConditionStatus::yes, .reason = "AllRelaysHealthy", .message = message};
  }
  return {.type = "RelaysHealthy",
          .status = ConditionStatus::no,
          .reason = "RelaysUnhealthy",
          .message = message + ": " + list_text(reasons)};
}

api::Condition reconciling(const api::TurnCluster& cluster, const std::vector<RegionView>& views,
                           const StatusInput& input) {
  const auto condition = [](ConditionStatus status, const char* reason, std::string message) {
    return api::Condition{.type = "Reconciling", .status = status, .reason = reason, .message = std::move(message)};
  };
  if (cluster.deleting) {
    std::vector<std::string> sites;
    for (const auto& [site, why] : input.unreachable) sites.push_back(site + ", which cannot be reached: " + why);
    return condition(ConditionStatus::yes, "Deleting",
                     sites.empty()
                         ? "the cluster is being removed"
                         : "the cluster is being removed; for some minutes that waits for " + list_text(sites));
  }
  if (cluster.spec.paused)
    return condition(ConditionStatus::no, "Paused",
                     "paused by spec.paused or the annotation turnkeeper.io/paused: nothing is changed");
  if (!input.unreachable.empty()) {
    std::vector<std::string> sites;
    for (const auto& [site, why] : input.unreachable) sites.push_back(site + " cannot be reached: " + why);
    return condition(ConditionStatus::yes, "SiteUnreachable", list_text(sites));
  }
  std::vector<std::string> starting;
  std::vector<std::string> outdated;
  std::size_t wanted = 0;
  for (const auto& view : views) {
    for (const auto& relay : view.relays) {
      ++wanted;
      if (relay.pod != nullptr && (relay.outdated || relay.pod->deleting || relay.pod->draining)) {
        outdated.push_back(relay.name);
      } else if (relay.starting()) {
        starting.push_back(why_not(relay, false));
      }
    }
  }
  if (!outdated.empty()) {
    return condition(
        ConditionStatus::yes, "Rolling",
        "still to be renewed: " + list_text(outdated) + (input.waiting.empty() ? "" : "; " + list_text(input.waiting)));
  }
  if (!starting.empty()) return condition(ConditionStatus::yes, "RelaysStarting", list_text(starting));
  if (input.pods.size() > wanted) {
    return condition(ConditionStatus::yes, "Draining",
                     count_text(input.pods.size() - wanted, "relay") + " more than asked for, to be gone when drained");
  }
  if (input.changing) return condition(ConditionStatus::yes, "Applying", "bringing Kubernetes objects up to date");
  if (!input.stuck.empty()) return condition(ConditionStatus::no, "OnCordonedNode", list_text(input.stuck));
  return condition(ConditionStatus::no, "UpToDate", "everything is as asked for");
}

api::Condition credentials_current(const StatusInput& input) {
  if (!input.credentials) {
    return {.type = "CredentialsCurrent",
            .status = ConditionStatus::unknown,
            .reason = "NotMadeYet",
            .message = "there is no signing key yet"};
  }
  return {.type = "CredentialsCurrent",
          .status = input.credentials->current ? ConditionStatus::yes : ConditionStatus::no,
          .reason = input.credentials->reason,
          .message = input.credentials->message};
}

api::Condition stalled(const StatusInput& input) {
  if (input.stalled_reason.empty()) {
    return {
        .type = "Stalled", .status = ConditionStatus::no, .reason = "NoObstacle", .message = "nothing is in the way"};
  }
  return {.type = "Stalled",
          .status = ConditionStatus::yes,
          .reason = input.stalled_reason,
          .message = input.stalled_message};
}

}  // namespace

std::vector<std::string> backups_of(const api::Spec& spec, const api::Region& region, const ClusterHealth& health) {
  if (!region.backups.empty()) return region.backups;
  std::vector<std::string> others;
  for (const auto& other : spec.regions) {
    if (other.name != region.name) others.push_back(other.name);
  }
  const auto measured = health.nearest.find(region.name);
  if (measured == health.nearest.end()) return others;
  const auto& nearest = measured->second;
  std::ranges::stable_sort(others, {}, [&](const auto& other) { return std::ranges::find(nearest, other); });
  return others;
}

void yield_to_stalled(std::vector<api::Condition>& conditions) {
  const auto* stalled = api::find_condition(conditions, "Stalled");
  if (stalled == nullptr || stalled->status != ConditionStatus::yes) return;
  for (auto& condition : conditions) {
    if (condition.type != "Reconciling" || condition.status != ConditionStatus::yes || condition.reason == "Deleting")
      continue;
    condition.status = ConditionStatus::no;
    condition.reason = "Stalled";
  }
}

Status compute_status(const api::TurnCluster& cluster, const StatusInput& input, SystemTime now) {
  Status status{.observed_generation = cluster.generation};
  status.credentials = input.credentials;
  status.budget = input.budget;
  // Of the regions that follow spec.relay.replicas, as many as they have pods for; that number itself when there is
  // none.
  status.replicas = cluster.spec.relay_replicas;
  for (const auto& region : cluster.spec.regions) {
    if (region.relay.autoscaling || region.relay.replicas != cluster.spec.relay_replicas) continue;
    status.replicas = static_cast<int>(std::ranges::count(input.pods, region.name, &RelayPod::region));
    break;
  }
  status.selector = std::string(cluster_label) + '=' + cluster.name;
  const auto views = view(cluster, input, now);
  for (const auto& region : views) {
    status.regions.push_back(region_status(cluster.spec, input.health, region, views, input.providers));
    const auto replaced = input.replaced.find(region.region->name);
    if (replaced != input.replaced.end()) status.regions.back().replaced = replaced->second;
    for (const auto& relay : region.relays) status.relays.push_back(relay.status);
  }
  if (input.previous.is_object()) {
    status.conditions = api::conditions_from_json(input.previous.value("conditions", nlohmann::json()));
  }
  std::erase_if(status.conditions, [&](const api::Condition& condition) {
    return (condition.type == "ProvidersUsable" && input.providers.empty()) ||
           (condition.type == "CertificateValid" && !input.certificate_valid) ||
           (condition.type == "WithinBudget" && !input.within_budget);
  });
  std::vector<api::Condition> conditions = {ready(views, status.regions, input.health.heard),
                                            relays_healthy(views, input.health.heard), credentials_current(input)};
  if (input.certificate_valid) conditions.push_back(*input.certificate_valid);
  if (!input.providers.empty()) conditions.push_back(providers_usable(input.providers, input.health.heard));
  if (input.within_budget) conditions.push_back(*input.within_budget);
  conditions.push_back(reconciling(cluster, views, input));
  conditions.push_back(stalled(input));
  yield_to_stalled(conditions);
  for (auto& condition : conditions) {
    condition.observed_generation = cluster.generation;
    api::set_condition(status.conditions, std::move(condition), now);
  }
  return status;
}

}  // namespace turnkeeper::op
