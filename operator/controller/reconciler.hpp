// One pass over one TurnCluster: observe, plan, write what differs. Level-based: it depends on what is there now, never
// on which change woke it, so it may be killed anywhere and run again.
// Used from one thread.
#pragma once

#include <map>
#include <optional>

#include "operator/controller/announcements.hpp"
#include "operator/controller/own_writes.hpp"
#include "operator/controller/watches.hpp"
#include "operator/link/health_board.hpp"
#include "operator/link/target_board.hpp"
#include "operator/plan/plan.hpp"
#include "turnkeeper/api/problem.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/kube/client.hpp"
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
    kube::Client& client;
    Watches& watches;
    TargetBoard& targets;
    HealthBoard& health;
    kube::EventRecorder& events;
    const Clock& clock;
  };
  Reconciler(Surroundings surroundings, Settings settings) : in_(surroundings), settings_(std::move(settings)) {}

  Outcome reconcile(const kube::ObjectKey& key);

 private:
  [[nodiscard]] Deadline soon() const;
  Outcome refuse(const nlohmann::json& object, const api::Problems& problems);
  // Writes children; the first error ends it.
  kube::Result<> carry_out(const Plan& plan, const Observed& observed, bool settled, Written& written);
  kube::Result<> create(const nlohmann::json& object);
  kube::Result<> remove(const ObjectRef& ref);
  kube::Result<> write_status(const nlohmann::json& object, const nlohmann::json& status);
  void announce(const nlohmann::json& object, const nlohmann::json& before, const nlohmann::json& after,
                const Written& written);

  Surroundings in_;
  const Settings settings_;
  OwnWrites own_writes_;
  // The generation for which a pass found nothing to do: from then on a difference is somebody else's doing.
  std::map<kube::ObjectKey, std::int64_t> settled_;
};

}  // namespace turnkeeper::op
