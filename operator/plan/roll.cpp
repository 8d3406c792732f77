#include "operator/plan/roll.hpp"

#include <algorithm>
#include <array>

#include "operator/plan/status.hpp"
#include "operator/resources/ordinals.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;

// A relay that starts needs some seconds, and a monitor some more for its verdict.
constexpr auto time_to_be_proven = 60s;
// Images are pulled, load balancers get their addresses.
constexpr auto time_to_start = 300s;

// What a container does not recover from by itself. Kubernetes goes on trying, so a registry that comes back heals it.
constexpr std::array hard_troubles{"ImagePullBackOff", "InvalidImageName",           "ErrImageNeverPull",
                                   "CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError",
                                   "RunContainerError"};

const api::Region* region_of(const api::TurnCluster& cluster, const RelayPod& pod) {
  const auto found = std::ranges::find_if(cluster.spec.regions, [&](const auto& r) { return r.name == pod.region; });
  return found == cluster.spec.regions.end() ? nullptr : &*found;
}

class Rolling {
 public:
  explicit Rolling(const RollInput& input) : in_(input) {}

  Roll decide() {
    for (const auto& pod : in_.pods) {
      if (is_wanted(pod) && is_newest(pod) && !pod.deleting) look_for_failure(pod);
    }
    for (const auto& region : in_.cluster.spec.regions) {
      if (!in_.unreachable.contains(site_of(region))) decide(region);
    }
    if (roll_.halt && outdated_) {
      roll_.halt->reason = roll_halted;
      roll_.halt->message += "; no other relay is renewed until that works or the spec changes";
    }
    return std::move(roll_);
  }

 private:
  [[nodiscard]] bool is_wanted(const RelayPod& pod) const {
    const auto* region = region_of(in_.cluster, pod);
    return region != nullptr && ordinals_of(*region).contains(pod.ordinal) && !in_.unreachable.contains(pod.site);
  }
  [[nodiscard]] bool is_newest(const RelayPod& pod) const {
    const auto revision = in_.revisions.find(pod.region);
    return revision != in_.revisions.end() && pod.revision == revision->second;
  }
  [[nodiscard]] bool is_new_and_unproven(const RelayPod& pod) const {
    return is_newest(pod) && !works(pod, in_.health) && pod.proof != Proof::failed;
  }

  // By its gate, which stays as it was while the relay is marked or no monitor is heard.
  [[nodiscard]] bool fails(const RelayPod& pod) const {
    return !works(pod, in_.health) && (pod.proof == Proof::never || pod.proof == Proof::failed);
  }

  void look_at(SystemTime when) {
    if (!roll_.look_again || when < *roll_.look_again) roll_.look_again = when;
  }

  // Does it still have until then?
  bool may_wait(const RelayPod& pod, std::chrono::seconds time) {
    if (in_.now - pod.created >= time) return false;
    look_at(pod.created + time);
    return true;
  }

  void look_for_failure(const RelayPod& pod) {
    roll_.unproven = roll_.unproven || is_new_and_unproven(pod);
    const auto halt = [&](const std::string& text) {
      if (!roll_.halt) roll_.halt = Halt{relay_fails, pod.relay + ' ' + text};
    };
    const auto reason = pod.trouble.substr(0, pod.trouble.find(':'));
    if (std::ranges::find(hard_troubles, reason) != hard_troubles.end()) return halt("does not start: " + pod.trouble);
    if (reason == "ErrImagePull") {
      if (!may_wait(pod, time_to_be_proven)) halt("does not start: " + pod.trouble);
      return;
    }
    if (reason == "Unschedulable") {
      if (!may_wait(pod, time_to_be_proven)) halt("finds no node: " + pod.trouble);
      return;
    }
    if (works(pod, in_.health) || pod.proof == Proof::failed || pod.proof == Proof::proven) return;
    const auto seen = in_.health.relays.find(pod.relay);
    if (seen != in_.health.relays.end() && seen->second.verdict == api::Verdict::unhealthy) {
      if (may_wait(pod, time_to_be_proven)) return;
      const auto cause = seen->second.cause;
      return halt("runs, but no allocation succeeds on it (" + std::string(api::cause_name(cause)) +
                  "): " + std::string(api::cause_advice(cause)));
    }
    if (!pod.containers_ready && !may_wait(pod, time_to_start)) halt("is not ready after 5 minutes; see its log");
  }

  void decide(const api::Region& region) {
    std::vector<const RelayPod*> own;
    for (const auto& pod : in_.pods) {
      if (pod.region == region.name && is_wanted(pod)) own.push_back(&pod);
    }
    const auto next = next_of(region, own);
    if (!next.pod) return;
    if (next.serves_nobody) {
      roll_.leaving.push_back(next);
      return;
    }
    if (std::ranges::any_of(own, [](const auto* pod) { return pod->deleting; })) return;
    Departure step = next;
    if (const auto obstacle = obstacle_to(step, region, own); !obstacle.empty()) {
      roll_.waiting.push_back(next.pod->relay + " waits: " + obstacle);
    } else {
      roll_.leaving.push_back(step);
    }
  }

  // The one that is marked already, else one that serves nobody, else the first.
  Departure next_of(const api::Region& region, const std::vector<const RelayPod*>& own) {
    Departure best;
    int best_rank = 0;
    for (const auto* pod : own) {
      const bool outdated = is_outdated(*pod, in_.revisions);
      outdated_ = outdated_ || outdated;
      if (pod->deleting) continue;
      bool cordoned = false;
      if (!outdated && pod->cordoned) {
        cordoned = can_be_placed_elsewhere(region, *pod);
        if (!cordoned) {
          roll_.stuck.push_back(pod->relay + " stays on " + pod->node +
                                ", which is cordoned: no other node can take it");
        }
      }
      if (!outdated && !cordoned) continue;
      const bool serves_nobody = !pod->running || (!pod->containers_ready && !works(*pod, in_.health));
      const int rank = pod->draining ? 4 : serves_nobody ? 3 : !works(*pod, in_.health) ? 2 : 1;
      if (rank <= best_rank) continue;
      best_rank = rank;
      best = {.pod = pod,
              .why = outdated ? Departure::Why::outdated : Departure::Why::cordoned,
              .serves_nobody = serves_nobody};
    }
    return best;
  }

  [[nodiscard]] bool can_be_placed_elsewhere(const api::Region& region, const RelayPod& moving) const {
    const auto site = in_.nodes.find(moving.site);
    if (site == in_.nodes.end()) return false;
    return std::ranges::any_of(site->second, [&](const auto& entry) {
      const auto& [name, node] = entry;
      if (name == moving.node || node.unschedulable) return false;
      const bool selected = std::ranges::all_of(region.relay.node_selector, [&node = node](const auto& label) {
        const auto found = node.labels.find(label.first);
        return found != node.labels.end() && found->second == label.second;
      });
      const bool taken = std::ranges::any_of(in_.pods, [&name = name, &moving](const RelayPod& pod) {
        return pod.site == moving.site && pod.node == name;
      });
      return selected && (region.relay.exposure != api::Exposure::host_network || !taken);
    });
  }

  // Why the relay may not go now; empty: it may.
  std::string obstacle_to(Departure& step, const api::Region& region, const std::vector<const RelayPod*>& own) const {
    for (const auto* other : own) {
      if (other == step.pod || serves(*other, in_.health)) continue;
      // Where none works, there is nothing to lose by one that is made anew.
      const bool as_bad = fails(*step.pod) && fails(*other) && !other->draining && !is_newest(*other);
      if (!as_bad) return other->relay + " is not proven to work";
    }
    if (own.size() < static_cast<std::size_t>(region.relay.replicas)) return "another relay of its region is missing";
    if (const auto other = away_elsewhere(region); !other.empty() && !is_trusted(region, step)) {
      return other + " has to come back first";
    }
    if (region.relay.replicas > 1 || !works(*step.pod, in_.health)) return {};
    return obstacle_to_the_last(step, region);
  }

  // A relay of another region that is away, or on its way; empty: there is none.
  [[nodiscard]] std::string away_elsewhere(const api::Region& region) const {
    for (const auto& departure : roll_.leaving) {
      if (departure.pod->region != region.name) return departure.pod->relay;
    }
    for (const auto& other : in_.cluster.spec.regions) {
      if (other.name == region.name || in_.unreachable.contains(site_of(other))) continue;
      int there = 0;
      for (const auto& pod : in_.pods) {
        if (pod.region != other.name || !is_wanted(pod)) continue;
        if (pod.draining || pod.deleting || is_new_and_unproven(pod)) return pod.relay;
        ++there;
      }
      if (there < other.relay.replicas) return "a relay of " + other.name;
    }
    return {};
  }

  // Its newest template is known to work, so that more than one relay of the cluster may be away.
  [[nodiscard]] bool is_trusted(const api::Region& region, const Departure& step) const {
    return step.why == Departure::Why::outdated && std::ranges::any_of(in_.pods, [&](const RelayPod& pod) {
             return pod.image == region.relay.image && is_newest(pod) && works(pod, in_.health);
           });
  }

  std::string obstacle_to_the_last(Departure& step, const api::Region& region) const {
    for (const auto& pod : in_.pods) {
      if (pod.region == region.name && !is_wanted(pod) && !pod.deleting) return pod.relay + " leaves first";
    }
    std::size_t wanted = 0;
    for (const auto& other : in_.cluster.spec.regions) wanted += static_cast<std::size_t>(other.relay.replicas);
    if (wanted == 1) {
      step.last_of_cluster = true;
      return {};
    }
    const auto backups = backups_of(in_.cluster.spec, region, in_.health);
    const bool served = std::ranges::any_of(in_.pods, [&](const RelayPod& pod) {
      const bool leaves = std::ranges::any_of(roll_.leaving, [&](const Departure& other) { return other.pod == &pod; });
      return !leaves && serves(pod, in_.health) && std::ranges::find(backups, pod.region) != backups.end();
    });
    return served ? "" : "it is its region's only relay, and no backup serves";
  }

  const RollInput& in_;
  Roll roll_;
  bool outdated_ = false;  // some relay is still to be renewed
};

}  // namespace

Roll roll(const RollInput& input) {
  return Rolling(input).decide();
}

bool is_outdated(const RelayPod& pod, const std::map<std::string, std::string>& revisions) {
  const auto revision = revisions.find(pod.region);
  return revision != revisions.end() && !revision->second.empty() && pod.revision != revision->second;
}

bool works(const RelayPod& pod, const ClusterHealth& health) {
  // What is still said of a relay whose pod is only coming was said of the pod before it.
  if (pod.deleting || !pod.running) return false;
  if (!health.heard) return pod.ready;
  const auto found = health.relays.find(pod.relay);
  return found != health.relays.end() &&
         (found->second.verdict == api::Verdict::healthy || found->second.verdict == api::Verdict::degraded);
}

bool serves(const RelayPod& pod, const ClusterHealth& health) {
  return !pod.draining && works(pod, health);
}

}  // namespace turnkeeper::op
