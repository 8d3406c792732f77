// The loop: what changed is queued, a worker takes it and makes a pass, failures come again later. Passes over
// different TurnClusters run side by side.
//
//   Controller controller({...}, settings, metrics);
//   controller.run(stop);                 // blocks
#pragma once

#include <mutex>
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
             int workers);
  // Until stop is requested. The watches must be synced. Opens the target board when every TurnCluster that is there
  // now had its first pass.
  void run(std::stop_token stop);

 private:
  void work(const std::stop_token& stop);
  void work_on(const kube::ObjectKey& key);
  void note_first_pass(const kube::ObjectKey& key);
  Outcome reconcile(const kube::ObjectKey& key);

  Reconciler::Surroundings in_;
  Reconciler reconciler_;
  kube::WorkQueue<kube::ObjectKey>& queue_;
  const int workers_;
  std::mutex mutex_;
  std::set<kube::ObjectKey> first_pass_;  // still to come
};

}  // namespace turnkeeper::op
