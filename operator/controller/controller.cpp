#include "operator/controller/controller.hpp"

#include <thread>
#include <vector>

#include "turnkeeper/base/log.hpp"

namespace turnkeeper::op {
namespace {

constexpr std::chrono::seconds until_the_lease_is_renewed{1};

}  // namespace

Controller::Controller(Reconciler::Surroundings surroundings, Settings settings,
                       kube::WorkQueue<kube::ObjectKey>& queue, int workers, std::function<bool()> may_write)
    : in_(surroundings),
      reconciler_(surroundings, std::move(settings)),
      queue_(queue),
      workers_(workers),
      may_write_(std::move(may_write)) {}

void Controller::run(std::stop_token stop) {
  for (const auto& cluster : in_.watches.clusters().keys()) {
    first_pass_.insert(cluster);
    queue_.add(cluster);
  }
  if (first_pass_.empty()) in_.targets.open();
  in_.metrics.workers(workers_);
  std::vector<std::jthread> others;
  for (int i = 1; i < workers_; ++i) others.emplace_back([this, stop] { work(stop); });
  work(stop);
}

void Controller::work(const std::stop_token& stop) {
  while (const auto key = queue_.pop(stop)) {
    in_.metrics.working(true);
    if (may_write_()) {
      work_on(*key);
    } else {
      queue_.add_after(*key, until_the_lease_is_renewed);
    }
    in_.metrics.working(false);
    queue_.done(*key);
  }
}

void Controller::note_first_pass(const kube::ObjectKey& key) {
  std::lock_guard lock(mutex_);
  if (first_pass_.erase(key) > 0 && first_pass_.empty()) in_.targets.open();
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
    in_.metrics.reconciled(ReconcileMetrics::Result::error, took);
    if (outcome.terminal) in_.metrics.terminal_error();
  } else {
    in_.metrics.reconciled(
        outcome.look_again ? ReconcileMetrics::Result::requeue_after : ReconcileMetrics::Result::success, took);
  }
  if (retry) {
    queue_.add_after_failure(key);
    if (outcome.error->retry_after.count() > 0) queue_.add_after(key, outcome.error->retry_after);
  } else {
    queue_.forget(key);
    note_first_pass(key);
  }
  if (outcome.look_again) queue_.add_after(key, *outcome.look_again);
}

}  // namespace turnkeeper::op
