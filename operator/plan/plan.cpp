#include "operator/plan/plan.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "operator/plan/certificate.hpp"
#include "operator/plan/covers.hpp"
#include "operator/plan/credentials.hpp"
#include "operator/plan/gate.hpp"
#include "operator/plan/missing.hpp"
#include "operator/plan/provider.hpp"
#include "operator/plan/record.hpp"
#include "operator/plan/relay_address.hpp"
#include "operator/plan/roll.hpp"
#include "operator/plan/status.hpp"
#include "operator/plan/wanted.hpp"
#include "operator/resources/children.hpp"
#include "operator/resources/exposure.hpp"
#include "operator/resources/names.hpp"
#include "operator/resources/transport_port.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace nlohmann::literals;
using namespace std::chrono_literals;

constexpr auto between_figures = 10s;
constexpr auto between_certificate_looks = 1h;

const json* find(const json& object, const json::json_pointer& pointer) {
  return object.contains(pointer) ? &object.at(pointer) : nullptr;
}

// The string at "/member/member"; by hand, since nlohmann's pointers are lists of strings and this is asked hundreds of
// times in a pass.
std::string text(const json& object, std::string_view pointer) {
  const json* at = &object;
  while (!pointer.empty()) {
    const auto end = std::min(pointer.find('/', 1), pointer.size());
    if (!at->is_object()) return {};
    const auto found = at->find(pointer.substr(1, end - 1));
    if (found == at->end()) return {};
    at = &*found;
    pointer.remove_prefix(end);
  }
  return at->is_string() ? at->get<std::string>() : std::string();
}

// Objects by site, kind and name. Points into the list it was made from.
class Index {
 public:
  explicit Index(const std::vector<Placed>& objects) {
    for (const auto& [site, object] : objects) {
      index_.emplace(Name{site, text(object, "/kind"), text(object, "/metadata/name")}, &object);
    }
  }
  [[nodiscard]] const json* find(const std::string& site, const std::string& kind, const std::string& name) const {
    const auto found = index_.find(Name{site, kind, name});
    return found == index_.end() ? nullptr : found->second;
  }
  [[nodiscard]] const json* find_like(const Placed& wanted) const {
    return find(wanted.site, text(wanted.object, "/kind"), text(wanted.object, "/metadata/name"));
  }

 private:
  using Name = std::tuple<std::string, std::string, std::string>;
  std::map<Name, const json*> index_;
};

ObjectRef reference(const std::string& site, const json& object) {
  return {site,
          text(object, "/apiVersion"),
          text(object, "/kind"),
          text(object, "/metadata/namespace"),
          text(object, "/metadata/name"),
          text(object, "/metadata/uid")};
}

// What the StatefulSet controller says the newest template is; nothing while it has not seen our newest one.
std::map<std::string, std::string> newest_revisions(const api::TurnCluster& cluster, const Observed& observed,
                                                    const Index& live, const Index& applying) {
  std::map<std::string, std::string> revisions;
  for (const auto& region : cluster.spec.regions) {
    const auto name = region_child_name(cluster, region);
    const auto* set = live.find(site_of(region), "StatefulSet", name);
    if (set == nullptr || observed.unreachable.contains(site_of(region))) continue;
    if (applying.find(site_of(region), "StatefulSet", name) != nullptr) continue;
    const auto* generation = find(*set, "/metadata/generation"_json_pointer);
    const auto* seen = find(*set, "/status/observedGeneration"_json_pointer);
    if (generation == nullptr || seen == nullptr || *seen < *generation) continue;
    revisions[region.name] = text(*set, "/status/updateRevision");
  }
  return revisions;
}

// A relay's Service whose pod, of a region that was removed, still carries its last calls through it.
bool carries_calls(const Placed& child, const std::vector<Placed>& pods) {
  return text(child.object, "/kind") == "Service" && std::ranges::any_of(pods, [&](const Placed& pod) {
           return pod.site == child.site &&
                  text(pod.object, "/metadata/name") == text(child.object, "/metadata/name") &&
                  has_relay_services(exposure_of(pod.object, {}));
         });
}

// Children that are not wanted, where that can be told.
std::vector<ObjectRef> to_prune(const api::TurnCluster& cluster, const Observed& observed, const Index& wanted) {
  std::vector<ObjectRef> refs;
  for (const auto& child : observed.children) {
    if (wanted.find_like(child) != nullptr || !is_owned(child, cluster.uid)) continue;
    if (observed.unreachable.contains(child.site)) continue;
    if (child.object.contains("/metadata/deletionTimestamp"_json_pointer)) continue;
    if (!cluster.deleting && carries_calls(child, observed.pods)) continue;
    refs.push_back(reference(child.site, child.object));
  }
  return refs;
}

// A vantage that falls silent is not an event, so its running out must be looked for.
std::optional<std::chrono::seconds> next_look(const std::vector<VantageReport>& reports, SystemTime now) {
  std::optional<std::chrono::seconds> next;
  for (const auto& report : reports) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(report.heard + report_lifetime - now);
    if (left.count() > 0 && (!next || left < *next)) next = left;
  }
  return next;
}

int integer_at(const json& object, const json::json_pointer& pointer, int otherwise) {
  const auto* number = find(object, pointer);
  return number != nullptr && number->is_number_integer() ? number->get<int>() : otherwise;
}

// What the StatefulSets ask for now. Relays of one that is not there, or not seen at a site that cannot be reached, are
// those that its successor begins with.
std::map<std::string, Ordinals> live_ordinals(const api::TurnCluster& cluster, const Index& live,
                                              const std::vector<RelayPod>& pods) {
  std::map<std::string, Ordinals> found;
  for (const auto& region : cluster.spec.regions) {
    if (const auto* set = live.find(site_of(region), "StatefulSet", region_child_name(cluster, region))) {
      found[region.name] = {.start = integer_at(*set, "/spec/ordinals/start"_json_pointer, 0),
                            .count = integer_at(*set, "/spec/replicas"_json_pointer, 1)};
      continue;
    }
    for (const auto& pod : pods) {
      if (pod.region != region.name || pod.deleting) continue;
      // In the order of their ordinals.
      auto& ordinals = found.try_emplace(region.name, Ordinals{.start = pod.ordinal, .count = 0}).first->second;
      ordinals.count = pod.ordinal + 1 - ordinals.start;
    }
  }
  return found;
}

std::map<std::string, SystemTime> last_replacements(const json& status) {
  std::map<std::string, SystemTime> last;
  if (!status.is_object() || !status.contains("regions")) return last;
  for (const auto& region : status.at("regions")) {
    if (const auto at = parse_rfc3339(text(region, "/replaced"))) last[text(region, "/name")] = *at;
  }
  return last;
}

// A container that crashes or finds no image is tried again and again, and for a moment each time nothing seems wrong:
// what was said of it stands until it works or the spec changes.
std::optional<Halt> halt_before(const json& status, std::int64_t generation) {
  if (!status.is_object()) return std::nullopt;
  const auto conditions = api::conditions_from_json(status.value("conditions", json()));
  const auto* stalled = api::find_condition(conditions, "Stalled");
  if (stalled == nullptr || stalled->status != api::ConditionStatus::yes ||
      stalled->observed_generation != generation) {
    return std::nullopt;
  }
  if (stalled->reason != roll_halted && stalled->reason != relay_fails) return std::nullopt;
  return Halt{stalled->reason, stalled->message};
}

void move_relays(const RelayLifeInput& life, const Sizes& sizes, StatusInput& input, Plan& plan) {
  auto moves = relay_moves(life, sizes, input.target_revisions);
  plan.pods_apply = std::move(moves.marks);
  for (const auto& [pod, grace] : moves.removals) {
    plan.remove.push_back({{pod->site, "v1", "Pod", life.cluster.namespace_name, pod->pod, pod->uid}, grace});
  }
  for (const auto& replaced : moves.replaced) input.replaced[replaced.region] = life.now;
  plan.replaced = std::move(moves.replaced);
  plan.notices = sizes.notices;
  std::ranges::move(moves.notices, std::back_inserter(plan.notices));
  const auto told = std::exchange(plan.memory.cut_told, {});
  for (const auto& pod : plan.pods) {
    if (!pod.deleting || pod.last_words.find(" cut ") == std::string::npos) continue;
    plan.memory.cut_told.insert(pod.uid);
    if (told.contains(pod.uid)) continue;
    plan.notices.push_back({.warning = true, .reason = "SessionsCut", .message = pod.relay + ": " + pod.last_words});
  }
  plan.memory.low_since = sizes.low_since;
  auto missing = missing_relays(sizes.wanted, life.pods, life.unreachable, plan.memory.missing_since, life.now);
  plan.memory.missing_since = std::move(missing.since);
  for (const auto& when : {sizes.look_again, moves.look_again, missing.look_again}) {
    if (when) plan.look_again(std::max(std::chrono::ceil<std::chrono::seconds>(*when - life.now), 1s));
  }
  if (!moves.halt && missing.halt) {
    moves.halt = std::move(missing.halt);
    if (!moves.waiting.empty()) moves.halt->reason = roll_halted;
  }
  if (!moves.halt && moves.unproven) moves.halt = halt_before(input.previous, life.cluster.generation);
  if (moves.halt && input.stalled_reason.empty()) {
    input.stalled_reason = moves.halt->reason;
    input.stalled_message = moves.halt->message;
  }
  input.waiting = std::move(moves.waiting);
  input.stuck = std::move(moves.stuck);
}

// Relays at a site that cannot be reached go on serving: those that were not seen since this process started are known
// from the status, so that monitors are not told to forget them.
void remember_relays(const api::TurnCluster& cluster, const Observed& observed, std::vector<RelayPod>& pods) {
  const auto relays = "/relays"_json_pointer;
  if (observed.unreachable.empty() || !observed.status.is_object() || !observed.status.contains(relays)) return;
  for (const auto& region : cluster.spec.regions) {
    if (!observed.unreachable.contains(site_of(region)) ||
        std::ranges::find(pods, region.name, &RelayPod::region) != pods.end())
      continue;
    std::map<api::Transport, std::uint16_t> ports;
    for (const auto transport : region.relay.transports) {
      ports[transport] = transport_port(transport, region.relay.ports).number;
    }
    for (const auto& relay : observed.status.at(relays)) {
      if (text(relay, "/region") != region.name) continue;
      const auto name = text(relay, "/name");
      const auto ordinal = ordinal_of(name, region.name);
      const auto address = text(relay, "/address");
      if (!ordinal || address.empty()) continue;
      pods.push_back({.site = site_of(region),
                      .relay = name,
                      .region = region.name,
                      .ordinal = *ordinal,
                      .addresses = {address},
                      .ports = ports,
                      .running = true});
    }
  }
}

std::vector<RelayPod> reachable(const std::vector<RelayPod>& pods, const Observed& observed) {
  std::vector<RelayPod> out;
  std::ranges::copy_if(pods, std::back_inserter(out),
                       [&](const RelayPod& pod) { return !observed.unreachable.contains(pod.site); });
  return out;
}

int relays_in(const api::TurnCluster& cluster) {
  int relays = 0;
  for (const auto& region : cluster.spec.regions) relays += region.relay.replicas;
  return relays;
}

std::optional<std::uint64_t> lowered_bandwidth(const api::Budget& budget) {
  if (budget.at_limit != api::Budget::AtLimit::lower_bandwidth) return std::nullopt;
  return budget.bits_per_second_per_session;
}

void settle_budget(const api::Budget& budget, const Ledger& before, int relays, SystemTime now, StatusInput& input,
                   Plan& plan) {
  const auto counted = "/summary/relays"_json_pointer;
  const auto& status = input.previous;
  const int relays_before = status.is_object() && status.contains(counted) ? status.at(counted).get<int>() : 0;
  plan.memory.meter.add(input.health.facts);
  const auto after = book(before, relays_before, relays, plan.memory.meter.take_gigabytes(now), now);
  input.budget = to_json(budget, after);
  input.within_budget = within_budget(budget, after, std::ranges::any_of(input.health.facts, [](const auto& facts) {
                                        return facts.second.agent && facts.second.agent->sent_bytes.has_value();
                                      }));
  plan.cost = cost_of(budget, after);
}

void judge_certificate(const api::TurnCluster& cluster, const Observed& observed, SystemTime now, StatusInput& input,
                       Plan& plan) {
  const auto name = tls_secret_name(cluster, "");
  const auto secret = observed.secrets.find(name);
  auto judgement =
      certificate_valid(cluster, name, secret == observed.secrets.end() ? json() : secret->second, input.health, now);
  input.certificate_valid = std::move(judgement.condition);
  if (judgement.look_again && *judgement.look_again > now) {
    plan.look_again(std::chrono::ceil<std::chrono::seconds>(*judgement.look_again - now));
  }
}

// What changes all the time, and is written only every so often.
json figures_of(const json& status) {
  auto figures = json::array();
  if (!status.is_object() || !status.contains("relays")) return figures;
  for (const auto& relay : status.at("relays")) figures.push_back(relay.value("sessions", json()));
  return figures;
}

}  // namespace

std::set<std::string> referenced_secrets(const api::TurnCluster& cluster) {
  std::set<std::string> names;
  if (cluster.spec.tls) names.insert(tls_secret_name(cluster, ""));
  if (!cluster.spec.credentials.secret.name.empty()) names.insert(cluster.spec.credentials.secret.name);
  for (const auto& provider : cluster.spec.failover.providers) {
    if (!provider.secret.name.empty()) names.insert(provider.secret.name);
  }
  return names;
}

Plan plan(const api::TurnCluster& cluster, const Observed& observed, const Settings& settings, SystemTime now) {
  Plan plan;
  plan.pods = relay_pods(cluster, observed.pods, observed.nodes, observed.children);
  remember_relays(cluster, observed, plan.pods);
  plan.requeue = next_look(observed.reports, now);
  StatusInput input{.pods = plan.pods, .health = cluster_health(observed.reports, now), .previous = observed.status};

  const bool active = !cluster.spec.paused && !cluster.deleting;
  // A certificate's running out is no event.
  if (active && settings.vantage && !vantages_of(cluster).empty()) plan.look_again(between_certificate_looks);
  const Index live(observed.children);
  std::vector<Placed> wanted;
  auto credentials = plan_credentials(cluster, observed, settings, plan.pods, input.health, now);
  if (credentials.create) plan.create.push_back(std::move(*credentials.create));
  wanted = std::move(credentials.wanted);
  plan.keys = std::move(credentials.keys);
  plan.memory.sights = std::move(credentials.sights);
  plan.memory.keys = std::move(credentials.held);
  input.credentials = std::move(credentials.status);
  if (credentials.trouble) {
    input.stalled_reason = credentials.trouble->reason;
    input.stalled_message = credentials.trouble->message;
  }
  if (credentials.look_again) plan.look_again(*credentials.look_again);
  const auto ordinals = live_ordinals(cluster, live, plan.pods);
  const auto replaced = last_replacements(observed.status);
  input.replaced = replaced;
  const RelayLifeInput life{.cluster = cluster,
                            .pods = plan.pods,
                            .reports = observed.reports,
                            .health = input.health,
                            .nodes = observed.nodes,
                            .unreachable = observed.unreachable,
                            .replaced = replaced,
                            .live = ordinals,
                            .may_start_higher = observed.may_start_higher,
                            .now = now};
  const auto ledger = read_ledger(observed.status);
  const bool spent = cluster.spec.budget && is_over(*cluster.spec.budget, ledger);
  const auto sizes = region_sizes(life, observed.memory.low_since,
                                  spent && cluster.spec.budget->at_limit != api::Budget::AtLimit::report);
  plan.memory.meter = observed.memory.meter;
  plan.memory.missing_since = observed.memory.missing_since;
  plan.memory.cut_told = observed.memory.cut_told;
  if (cluster.spec.budget) settle_budget(*cluster.spec.budget, ledger, relays_in(sizes.wanted), now, input, plan);
  std::ranges::move(
      wanted_children({.cluster = sizes.now,
                       .observed = observed,
                       .settings = settings,
                       .pods = plan.pods,
                       .keys = plan.keys,
                       .bits_per_second_per_session = spent ? lowered_bandwidth(*cluster.spec.budget) : std::nullopt}),
      std::back_inserter(wanted));

  if (active) {
    plan.prune = to_prune(cluster, observed, Index(wanted));
    for (auto& object : wanted) {
      const auto* there = live.find_like(object);
      if (there != nullptr && covers(*there, object.object)) continue;
      // Which relays may go depends on those that are there: not by a view that is not the newest.
      if (there != nullptr && text(*there, "/kind") == "StatefulSet") {
        object.object["metadata"]["resourceVersion"] = text(*there, "/metadata/resourceVersion");
      }
      plan.apply.push_back(std::move(object));
    }
    plan_record(cluster, observed, settings, now, plan);
    input.target_revisions = newest_revisions(cluster, observed, live, Index(plan.apply));
    move_relays(life, sizes, input, plan);
    input.changing = !plan.create.empty() || !plan.apply.empty() || !plan.prune.empty() || !plan.remove.empty();
  } else if (cluster.deleting) {
    for (auto& ref : to_prune(cluster, observed, Index({}))) {
      if (!ref.site.empty()) plan.prune.push_back(std::move(ref));
    }
    plan_record(cluster, observed, settings, now, plan);
  }
  std::ranges::move(credentials.notices, std::back_inserter(plan.notices));
  if (!cluster.deleting) plan.pods_status = gates(cluster, reachable(plan.pods, observed), input.health, now);
  input.providers = provider_states(cluster, observed.secrets, observed.unread_secrets, input.health);
  if (cluster.spec.tls) judge_certificate(sizes.wanted, observed, now, input, plan);
  input.unreachable = observed.unreachable;
  plan.memory.numbers_at = observed.memory.numbers_at;
  input.fresh_figures = now < plan.memory.numbers_at || now - plan.memory.numbers_at >= between_figures;
  plan.status = to_json(compute_status(sizes.wanted, input, now));
  if (figures_of(plan.status) != figures_of(observed.status)) plan.memory.numbers_at = now;
  return plan;
}

}  // namespace turnkeeper::op
