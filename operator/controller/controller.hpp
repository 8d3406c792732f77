// The loop: what changed is queued, a worker takes it and makes a pass, failures come again later. Passes over
// different TurnClusters run side by side.
//
//   Controller controller({...}, settings, queue, 4, [&] { return election.leading(); });
//   controller.run(stop);                 // blocks
#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <stop_token>

#include "operator/controller/reconcile_metrics.hpp"
#include "operator/controller/reconciler.hpp"
#include "turnkeeper/kube/queue.hpp"

namespace turnkeeper::op {

class Controller {
 public:
  // All must outlive it. `queue` is filled by the watches and by the health board. `may_write` is asked before each
  // pass: a process that slept through its lease wakes with an old picture, before it knows that another leads.
  Controller(Reconciler::Surroundings surroundings, Settings settings, kube::WorkQueue<kube::ObjectKey>& queue,
             int workers, std::function<bool()> may_write);
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
  const std::function<bool()> may_write_;
  std::mutex mutex_;
  std::set<kube::ObjectKey> first_pass_;  // still to come
};

}  // namespace turnkeeper::op
