// The loop: what changed is queued, one worker takes it and makes a pass, failures come again later.
//
//   Controller controller({...}, settings, metrics);
//   controller.run(stop);                 // blocks
#pragma once

#include <set>
#include <stop_token>

#include "operator/controller/reconcile_metrics.hpp"
#include "operator/controller/reconciler.hpp"
#include "turnkeeper/kube/queue.hpp"

namespace turnkeeper::op {

class Controller {
 public:
  // All must outlive it. `queue` is filled by the watches and by the health board.
  Controller(Reconciler::Surroundings surroundings, Settings settings, kube::WorkQueue<kube::ObjectKey>& queue,
             ReconcileMetrics& metrics);
  // Until stop is requested. The watches must be synced. Opens the target board when every TurnCluster that is there
  // now had its first pass.
  void run(std::stop_token stop);

 private:
  void work_on(const kube::ObjectKey& key);
  Outcome reconcile(const kube::ObjectKey& key);

  Reconciler::Surroundings in_;
  Reconciler reconciler_;
  kube::WorkQueue<kube::ObjectKey>& queue_;
  ReconcileMetrics& metrics_;
  std::set<kube::ObjectKey> first_pass_;  // still to come
};

}  // namespace turnkeeper::op
