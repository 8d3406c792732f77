// One pass over one TurnCluster: observe, plan, write what differs. Level-based: it depends on what is there now, never
// on which change woke it, so it may be killed anywhere and run again.
// Thread-safe, one pass at a time for each TurnCluster.
#pragma once

#include <map>
#include <mutex>
#include <optional>

#include "operator/controller/announcements.hpp"
#include "operator/controller/own_writes.hpp"
#include "operator/controller/reconcile_metrics.hpp"
#include "operator/controller/watches.hpp"
#include "operator/link/health_board.hpp"
#include "operator/link/target_board.hpp"
#include "operator/plan/plan.hpp"
#include "turnkeeper/api/problem.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/kube/events.hpp"

namespace turnkeeper::op {

struct Outcome {
  std::optional<kube::Error> error;                     // try again with backoff, or not at all when it is terminal
  bool terminal = false;                                // the same spec can never succeed
  std::optional<std::chrono::milliseconds> look_again;  // even if nothing happens
};

class Reconciler {
 public:
  struct Surroundings {
    Watches& watches;
    TargetBoard& targets;
    HealthBoard& health;
    kube::EventRecorder& events;
    ReconcileMetrics& metrics;
    const Clock& clock;
  };
  Reconciler(Surroundings surroundings, Settings settings) : in_(surroundings), settings_(std::move(settings)) {}

  Outcome reconcile(const kube::ObjectKey& key);

 private:
  // What one pass leaves to the next.
  struct Memory {
    OwnWrites object;  // the TurnCluster itself
    OwnWrites children;
    OwnWrites pods;
    // Site -> the generation for which a pass found nothing to do there: from then on a difference is somebody else's
    // doing.
    std::map<std::string, std::int64_t> settled;
    // A pass found nothing and made all: what the next one would see if nobody else did anything, and when it is due.
    struct Made {
      Sight sight;
      std::optional<SteadyTime> due;
    };
    std::optional<Made> made;
    std::map<std::string, std::string> unreachable;  // sites, as told
    PlanMemory plan;
  };
  [[nodiscard]] Memory& memory_of(const kube::ObjectKey& key);
  void forget(const kube::ObjectKey& key);
  Outcome refuse(const nlohmann::json& object, const api::Problems& problems, Memory& memory);
  void publish(const api::TurnCluster& cluster, const Plan& plan, const std::map<std::string, nlohmann::json>& secrets);
  void announce(const nlohmann::json& object, const std::vector<Announcement>& announcements);
  void announce(const nlohmann::json& object, const std::vector<Notice>& notices);

  Surroundings in_;
  const Settings settings_;
  std::mutex mutex_;
  std::map<kube::ObjectKey, Memory> memories_;
};

}  // namespace turnkeeper::op
