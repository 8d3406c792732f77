#include "operator/controller/controller.hpp"

#include "turnkeeper/base/log.hpp"

namespace turnkeeper::op {

Controller::Controller(Reconciler::Surroundings surroundings, Settings settings,
                       kube::WorkQueue<kube::ObjectKey>& queue, ReconcileMetrics& metrics)
    : in_(surroundings), reconciler_(surroundings, std::move(settings)), queue_(queue), metrics_(metrics) {}

void Controller::run(std::stop_token stop) {
  for (const auto& cluster : in_.watches.clusters().list()) {
    first_pass_.insert(kube::key_of(*cluster));
    queue_.add(kube::key_of(*cluster));
  }
  if (first_pass_.empty()) in_.targets.open();
  while (const auto key = queue_.pop(stop)) {
    metrics_.working(true);
    work_on(*key);
    metrics_.working(false);
    queue_.done(*key);
  }
}

Outcome Controller::reconcile(const kube::ObjectKey& key) {
  // An object of a shape that no schema allows must cost one pass, not the process.
  try {
    return reconciler_.reconcile(key);
  } catch (const std::exception& failure) {
    return {.error = kube::Error(kube::ErrorKind::unexpected, key.text() + ": " + failure.what())};
  }
}

void Controller::work_on(const kube::ObjectKey& key) {
  const SteadyTime begin = in_.clock.steady();
  const Outcome outcome = reconcile(key);
  const auto took = in_.clock.steady() - begin;
  if (outcome.error && outcome.error->kind == kube::ErrorKind::cancelled) return;

  const bool retry = outcome.error && !outcome.terminal;
  if (outcome.error) {
    log::warn(outcome.error->message, {{"cluster", key.text()}, {"advice", outcome.error->advice}});
    metrics_.reconciled(ReconcileMetrics::Result::error, took);
    if (outcome.terminal) metrics_.terminal_error();
  } else {
    metrics_.reconciled(
        outcome.look_again ? ReconcileMetrics::Result::requeue_after : ReconcileMetrics::Result::success, took);
  }
  if (retry) {
    queue_.add_after_failure(key);
    if (outcome.error->retry_after.count() > 0) queue_.add_after(key, outcome.error->retry_after);
  } else {
    queue_.forget(key);
    first_pass_.erase(key);
    if (first_pass_.empty()) in_.targets.open();
  }
  if (outcome.look_again) queue_.add_after(key, *outcome.look_again);
}

}  // namespace turnkeeper::op
