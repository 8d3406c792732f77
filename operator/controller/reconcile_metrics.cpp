#include "operator/controller/reconcile_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

namespace turnkeeper::op {
namespace {

namespace prom = prometheus;

const prom::Labels of_controller{{"controller", "turncluster"}};
const prom::Labels of_queue{{"controller", "turncluster"}, {"name", "turncluster"}};

// As controller-runtime has them.
const prom::Histogram::BucketBoundaries reconcile_buckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                          1,     2.5,  5,     10,   30,  60};
const prom::Histogram::BucketBoundaries queue_buckets{1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000};

prom::Family<prom::Counter>& counters(prom::Registry& registry, const char* name, const char* help) {
  return prom::BuildCounter().Name(name).Help(help).Register(registry);
}
prom::Family<prom::Gauge>& gauges(prom::Registry& registry, const char* name, const char* help) {
  return prom::BuildGauge().Name(name).Help(help).Register(registry);
}
prom::Family<prom::Histogram>& histograms(prom::Registry& registry, const char* name, const char* help) {
  return prom::BuildHistogram().Name(name).Help(help).Register(registry);
}

// One gauge for each cluster that has a value.
struct PerCluster {
  prom::Family<prom::Gauge>& family;
  std::mutex mutex;
  std::map<kube::ObjectKey, prom::Gauge*> gauges;
};

void set(PerCluster& series, const kube::ObjectKey& cluster, std::optional<double> value) {
  std::lock_guard lock(series.mutex);
  const auto found = series.gauges.find(cluster);
  if (!value) {
    if (found == series.gauges.end()) return;
    series.family.Remove(found->second);
    series.gauges.erase(found);
  } else if (found != series.gauges.end()) {
    found->second->Set(*value);
  } else {
    auto& gauge = series.family.Add({{"cluster", cluster.text()}});
    gauge.Set(*value);
    series.gauges.emplace(cluster, &gauge);
  }
}

const char* name_of(ReconcileMetrics::Result result) {
  switch (result) {
    case ReconcileMetrics::Result::success:
      return "success";
    case ReconcileMetrics::Result::requeue_after:
      return "requeue_after";
    case ReconcileMetrics::Result::error:
      break;
  }
  return "error";
}

}  // namespace

class ReconcileMetrics::Families {
 public:
  prom::Registry registry;
  prom::Family<prom::Counter>& reconciles =
      counters(registry, "controller_runtime_reconcile_total", "Passes, by result");
  prom::Counter& errors =
      counters(registry, "controller_runtime_reconcile_errors_total", "Passes that failed").Add(of_controller);
  prom::Counter& terminal_errors = counters(registry, "controller_runtime_terminal_reconcile_errors_total",
                                            "Passes that failed and are not repeated")
                                       .Add(of_controller);
  prom::Histogram& time = histograms(registry, "controller_runtime_reconcile_time_seconds", "How long a pass took")
                              .Add(of_controller, reconcile_buckets);
  prom::Gauge& active = gauges(registry, "controller_runtime_active_workers", "Workers in a pass").Add(of_controller);
  prom::Gauge& workers = gauges(registry, "controller_runtime_max_concurrent_reconciles", "Workers").Add(of_controller);
  prom::Gauge& depth = gauges(registry, "workqueue_depth", "Keys that wait for a worker").Add(of_queue);
  prom::Counter& adds = counters(registry, "workqueue_adds_total", "Keys that were added").Add(of_queue);
  prom::Counter& retries =
      counters(registry, "workqueue_retries_total", "Keys that were added after a failure").Add(of_queue);
  prom::Histogram& queued =
      histograms(registry, "workqueue_queue_duration_seconds", "How long a key waited").Add(of_queue, queue_buckets);
  prom::Histogram& worked = histograms(registry, "workqueue_work_duration_seconds", "How long a key was worked on")
                                .Add(of_queue, queue_buckets);
  prom::Gauge& unfinished =
      gauges(registry, "workqueue_unfinished_work_seconds", "Sum of the time of all keys in work").Add(of_queue);
  prom::Gauge& longest =
      gauges(registry, "workqueue_longest_running_processor_seconds", "Time of the oldest key in work").Add(of_queue);
  prom::Family<prom::Counter>& requests =
      counters(registry, "rest_client_requests_total", "Requests to the API server");
  // The family's own way to them costs more than the rest of a request's bookkeeping.
  std::mutex requests_mutex;
  std::map<std::tuple<int, std::string, std::string>, prom::Counter*> requests_by;
  prom::Family<prom::Counter>& replaced =
      counters(registry, "turnkeeper_relays_replaced_total", "Relays that did not work and were deleted to come back");
  PerCluster cost{
      gauges(registry, "turnkeeper_estimated_cost", "What the relays cost this month, in the budget's currency"),
      {},
      {}};
  PerCluster expiry{
      gauges(registry, "turnkeeper_certificate_expiry_timestamp_seconds", "When the relays' certificate runs out"),
      {},
      {}};
  prom::Family<prom::Gauge>& leader = gauges(registry, "leader_election_master_status", "1 while this process leads");
};

ReconcileMetrics::ReconcileMetrics() : families_(std::make_unique<Families>()) {
  families_->workers.Set(1);
  for (const auto result : {Result::success, Result::requeue_after, Result::error}) {
    families_->reconciles.Add({{"controller", "turncluster"}, {"result", name_of(result)}});
  }
}

ReconcileMetrics::~ReconcileMetrics() = default;

void ReconcileMetrics::reconciled(Result result, std::chrono::duration<double> took) {
  families_->reconciles.Add({{"controller", "turncluster"}, {"result", name_of(result)}}).Increment();
  if (result == Result::error) families_->errors.Increment();
  families_->time.Observe(took.count());
}

void ReconcileMetrics::terminal_error() {
  families_->terminal_errors.Increment();
}

void ReconcileMetrics::working(bool now) {
  now ? families_->active.Increment() : families_->active.Decrement();
}

void ReconcileMetrics::workers(int count) {
  families_->workers.Set(count);
}

void ReconcileMetrics::replaced(const kube::ObjectKey& cluster, const std::string& region, api::Cause cause) {
  families_->replaced
      .Add({{"cluster", cluster.text()}, {"region", region}, {"cause", std::string(api::cause_name(cause))}})
      .Increment();
}

void ReconcileMetrics::estimated_cost(const kube::ObjectKey& cluster, std::optional<double> cost) {
  set(families_->cost, cluster, cost);
}

void ReconcileMetrics::certificate_expiry(const kube::ObjectKey& cluster, std::optional<SystemTime> at) {
  set(families_->expiry, cluster, at ? std::optional(static_cast<double>(unix_seconds(*at))) : std::nullopt);
}

void ReconcileMetrics::forget(const kube::ObjectKey& cluster) {
  estimated_cost(cluster, std::nullopt);
  certificate_expiry(cluster, std::nullopt);
}

void ReconcileMetrics::requested(int status, const std::string& method, const std::string& host) {
  std::lock_guard lock(families_->requests_mutex);
  auto& counter = families_->requests_by[{status, method, host}];
  if (counter == nullptr) {
    const std::string code = status == 0 ? "<error>" : std::to_string(status);
    counter = &families_->requests.Add({{"code", code}, {"method", method}, {"host", host}});
  }
  counter->Increment();
}

void ReconcileMetrics::leading(const std::string& lease, bool now) {
  families_->leader.Add({{"name", lease}}).Set(now ? 1 : 0);
}

void ReconcileMetrics::added() {
  families_->adds.Increment();
}
void ReconcileMetrics::retried() {
  families_->retries.Increment();
}
void ReconcileMetrics::started(std::chrono::duration<double> waited) {
  families_->queued.Observe(waited.count());
}
void ReconcileMetrics::finished(std::chrono::duration<double> worked) {
  families_->worked.Observe(worked.count());
}

std::string ReconcileMetrics::text(const QueueState& queue) const {
  families_->depth.Set(static_cast<double>(queue.depth));
  double sum = 0;
  double longest = 0;
  for (const auto& time : queue.in_work) {
    sum += time.count();
    longest = std::max(longest, time.count());
  }
  families_->unfinished.Set(sum);
  families_->longest.Set(longest);
  return prom::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace turnkeeper::op
