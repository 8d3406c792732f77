// The operator's own metrics, under the names of controller-runtime, so that existing dashboards and alerts fit.
// Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/api/health.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/kube/queue.hpp"
#include "turnkeeper/kube/resource.hpp"

namespace turnkeeper::op {

class ReconcileMetrics final : public kube::QueueObserver {
 public:
  ReconcileMetrics();
  ~ReconcileMetrics() override;

  enum class Result { success, requeue_after, error };
  void reconciled(Result result, std::chrono::duration<double> took);
  void terminal_error();
  void workers(int count);
  void working(bool now);  // a worker begins or ends a pass
  // status 0: no answer.
  void requested(int status, const std::string& method, const std::string& host);
  void leading(const std::string& lease, bool now);

  // A wedged relay was deleted.
  void replaced(const kube::ObjectKey& cluster, const std::string& region, api::Cause cause);
  // Of the month; nothing: the cluster has no budget.
  void estimated_cost(const kube::ObjectKey& cluster, std::optional<double> cost);
  // When the relays' certificate runs out; nothing: the cluster has none.
  void certificate_expiry(const kube::ObjectKey& cluster, std::optional<SystemTime> at);
  // The TurnCluster is gone, and its series with it.
  void forget(const kube::ObjectKey& cluster);

  void added() override;
  void retried() override;
  void started(std::chrono::duration<double> waited) override;
  void finished(std::chrono::duration<double> worked) override;

  // The state of the queue at the time of a scrape.
  struct QueueState {
    std::size_t depth = 0;
    std::vector<std::chrono::duration<double>> in_work;
  };
  // The Prometheus text format.
  [[nodiscard]] std::string text(const QueueState& queue) const;

 private:
  class Families;
  std::unique_ptr<Families> families_;
};

}  // namespace turnkeeper::op
