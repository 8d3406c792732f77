#include "operator/plan/relay_life.hpp"

#include <algorithm>

#include "operator/plan/autoscale.hpp"
#include "operator/plan/drain.hpp"
#include "operator/plan/replace.hpp"

namespace turnkeeper::op {
namespace {

void earlier(std::optional<SystemTime>& when, std::optional<SystemTime> other) {
  if (other && (!when || *other < *when)) when = other;
}

std::vector<RelayLoad> loads_of(const std::string& region, const Ordinals& ordinals, const RelayLifeInput& in) {
  std::vector<RelayLoad> loads;
  for (const auto& pod : in.pods) {
    const bool leaves = pod.draining && pod.running && !pod.deleting;
    if (pod.region != region || !ordinals.contains(pod.ordinal) || (!leaves && !serves(pod, in.health))) continue;
    RelayLoad load;
    const auto facts = in.health.facts.find(pod.relay);
    if (facts != in.health.facts.end() && facts->second.agent) {
      const auto& agent = *facts->second.agent;
      load.sessions = agent.sessions;
      if (agent.bits_per_second) load.megabits = static_cast<double>(*agent.bits_per_second) / 1e6;
    }
    loads.push_back(load);
  }
  return loads;
}

void give(api::Region& region, const Ordinals& ordinals) {
  region.relay.first_ordinal = ordinals.start;
  region.relay.replicas = ordinals.count;
}

// By its StatefulSet. Another is about to be deleted.
bool is_asked_for(const RelayPod& pod, const api::TurnCluster& cluster) {
  return std::ranges::any_of(cluster.spec.regions, [&](const api::Region& region) {
    return region.name == pod.region && ordinals_of(region).contains(pod.ordinal);
  });
}

// Of a site that cannot be reached the status goes on telling of the relays that were seen there last.
bool may_start_higher(const api::Region& region, const RelayLifeInput& in) {
  return in.may_start_higher.contains(site_of(region)) || in.unreachable.contains(site_of(region));
}

std::string size_text(const std::string& region, int from, int to, const std::string& why) {
  return "region " + region + ": from " + std::to_string(from) + " to " + std::to_string(to) +
         (to == 1 ? " relay" : " relays") + (why.empty() ? "" : ": " + why);
}

std::string why_text(const Departure& departure) {
  std::string text = departure.why == Departure::Why::cordoned ? "its node " + departure.pod->node + " is cordoned"
                                                               : "its template is not the newest";
  if (departure.last_of_cluster) text += "; it is the only relay, so that nobody is served until it is back";
  return text;
}

}  // namespace

Sizes region_sizes(const RelayLifeInput& in, const std::map<std::string, SystemTime>& low_since, bool budget_spent) {
  Sizes sizes{.wanted = in.cluster, .now = in.cluster};
  for (std::size_t i = 0; i < in.cluster.spec.regions.size(); ++i) {
    const auto& region = in.cluster.spec.regions[i];
    const auto found = in.live.find(region.name);
    const auto live = found == in.live.end() ? std::nullopt : std::optional(found->second);
    const int current = live ? live->count : 0;
    int wanted = region.relay.replicas;
    std::string why;
    if (region.relay.autoscaling) {
      const auto& policy = *region.relay.autoscaling;
      const auto low = low_since.find(region.name);
      const auto decision = autoscale({.policy = policy,
                                       .current = current,
                                       .loads = live ? loads_of(region.name, *live, in) : std::vector<RelayLoad>(),
                                       .may_grow = !budget_spent,
                                       .low_since = low == low_since.end() ? std::nullopt : std::optional(low->second),
                                       .now = in.now});
      wanted = decision.replicas;
      if (decision.low_since) sizes.low_since[region.name] = *decision.low_since;
      why = decision.why;
      earlier(sizes.look_again, decision.look_again);
    }
    const auto down = scale_down({.region = region,
                                  .wanted = wanted,
                                  .live = live,
                                  .may_start_higher = may_start_higher(region, in),
                                  .pods = in.pods,
                                  .reports = in.reports,
                                  .health = in.health,
                                  .now = in.now});
    give(sizes.wanted.spec.regions[i], down.wanted);
    give(sizes.now.spec.regions[i], down.ordinals);
    if (in.unreachable.contains(site_of(region))) {
      // Nothing takes away those that are there. The status tells of them, from which the next operator knows them.
      if (live) give(sizes.wanted.spec.regions[i], spanning(*live, down.wanted));
      continue;
    }
    std::ranges::copy(down.leaving, std::back_inserter(sizes.leaving));
    earlier(sizes.look_again, down.look_again);
    if (down.ordinals.count < current) sizes.low_since.erase(region.name);
    if (live && down.ordinals.count != current) {
      sizes.notices.push_back(
          {.warning = false, .reason = "Scaled", .message = size_text(region.name, current, down.ordinals.count, why)});
    }
  }
  return sizes;
}

Moves relay_moves(const RelayLifeInput& in, const Sizes& sizes, const std::map<std::string, std::string>& revisions) {
  auto rolling = roll({.cluster = sizes.wanted,
                       .pods = in.pods,
                       .health = in.health,
                       .revisions = revisions,
                       .nodes = in.nodes,
                       .unreachable = in.unreachable,
                       .now = in.now});
  const auto wedged = relays_to_replace(sizes.wanted, in.pods, in.health, in.replaced, in.now);
  Moves moves{.waiting = std::move(rolling.waiting),
              .stuck = std::move(rolling.stuck),
              .unproven = rolling.unproven,
              .halt = rolling.halt};
  moves.look_again = rolling.look_again;
  earlier(moves.look_again, wedged.look_again);
  const auto say = [&](bool warning, const char* reason, std::string message) {
    moves.notices.push_back({.warning = warning, .reason = reason, .message = std::move(message)});
  };
  const auto mark = [&](const RelayPod& pod, const std::string& why) {
    moves.marks.push_back(drain_mark(in.cluster, pod, in.now));
    earlier(moves.look_again, in.now + unheard_patience);
    say(false, "RelayDraining", pod.relay + ": its clients are moved away, because " + why);
  };

  for (const auto& pod : in.pods) {
    if (pod.deleting || in.unreachable.contains(pod.site)) continue;
    const auto replacement = std::ranges::find(wedged.now, &pod, &Replacement::pod);
    const auto departure = std::ranges::find(rolling.leaving, &pod, &Departure::pod);
    if (replacement != wedged.now.end()) {
      const auto cause = std::string(api::cause_name(replacement->cause));
      moves.removals.push_back({.pod = &pod, .grace = replacement->grace});
      moves.replaced.push_back({.region = pod.region, .cause = replacement->cause});
      say(true, "RelayReplaced", pod.relay + " is replaced: it runs, but was Unhealthy for a minute (" + cause + ")");
    } else if (std::ranges::find(sizes.leaving, &pod) != sizes.leaving.end()) {
      if (!pod.draining && pod.running) mark(pod, "it is one more than asked for");
      earlier(moves.look_again, next_look_at(pod, in.reports, in.now));
    } else if (departure != rolling.leaving.end()) {
      if (departure->serves_nobody || clients_moved(pod, in.reports, in.now)) {
        moves.removals.push_back({.pod = &pod, .grace = std::nullopt});
        say(false, departure->why == Departure::Why::cordoned ? "RelayMoving" : "RelayRenewing",
            pod.relay + " is deleted when its calls are over, to come back: " + why_text(*departure));
      } else if (!pod.draining) {
        mark(pod, why_text(*departure));
      } else {
        earlier(moves.look_again, next_look_at(pod, in.reports, in.now));
      }
    } else if (pod.draining && revisions.contains(pod.region) && is_asked_for(pod, sizes.now)) {
      // (Without the newest revision it is not known whether it has to go.)
      moves.marks.push_back(drain_mark(in.cluster, pod, std::nullopt));
      say(false, "RelayKept", pod.relay + " takes clients again: it does not have to go, or not yet");
    }
  }
  return moves;
}

}  // namespace turnkeeper::op
