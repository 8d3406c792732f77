#include "turnkeeper/kube/watch_cycle.hpp"

namespace turnkeeper::kube {
namespace {

// A watch that ends sooner without a single event is a failure in disguise: it must not be repeated in a tight loop.
constexpr std::chrono::seconds healthy_life{5};

}  // namespace

WatchCycle::Step WatchCycle::next() const {
  return {action_, resource_version_, delay_};
}

void WatchCycle::listed(const std::string& resource_version) {
  action_ = Action::watch;
  resource_version_ = resource_version;
  delay_ = {};
}

void WatchCycle::list_failed(const Error& error, double unit) {
  action_ = Action::list;
  delay_ = error.retry_after.count() > 0 ? error.retry_after : backoff_.next(unit);
  // Both mean that our version is one the server cannot serve: too old, or (after etcd was restored) too new.
  if (error.kind == ErrorKind::gone || error.status == 504) {
    if (!resource_version_.empty()) delay_ = {};
    resource_version_.clear();
  }
}

void WatchCycle::progressed(const std::string& resource_version) {
  if (!resource_version.empty()) resource_version_ = resource_version;
  progressed_ = true;
}

void WatchCycle::note_health(std::chrono::nanoseconds lived) {
  if (progressed_ || lived >= healthy_life) backoff_.reset();
  progressed_ = false;
}

void WatchCycle::watch_ended(std::chrono::nanoseconds lived, double unit) {
  const bool healthy = progressed_ || lived >= healthy_life;
  note_health(lived);
  delay_ = healthy ? std::chrono::milliseconds(0) : backoff_.next(unit);
}

void WatchCycle::watch_failed(const Error& error, std::chrono::nanoseconds lived, double unit) {
  note_health(lived);
  if (error.kind == ErrorKind::gone) {
    action_ = Action::list;
    // The first relist comes at once; a server that answers 410 again and again is not asked in a tight loop.
    delay_ = backoff_.failures() == 0 ? std::chrono::milliseconds(0) : backoff_.next(unit);
    if (delay_.count() == 0) static_cast<void>(backoff_.next(unit));
    return;
  }
  if (error.kind == ErrorKind::not_found || error.kind == ErrorKind::forbidden ||
      error.kind == ErrorKind::unauthorized || error.kind == ErrorKind::invalid) {
    action_ = Action::list;
  }
  delay_ = error.retry_after.count() > 0 ? std::chrono::milliseconds(error.retry_after) : backoff_.next(unit);
}

}  // namespace turnkeeper::kube
