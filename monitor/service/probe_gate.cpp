#include "monitor/service/probe_gate.hpp"

#include <utility>

namespace turnkeeper::monitor {

ProbeGate::Pass::~Pass() {
  const auto gate = gate_.lock();
  if (!gate) return;
  ++gate->free_;
  gate->let_in();
}

void ProbeGate::enter(Enter enter) {
  waiting_.push_back(std::move(enter));
  let_in();
}

void ProbeGate::let_in() {
  // Whoever enters may drop its pass at once.
  if (std::exchange(letting_in_, true)) return;
  while (free_ > 0 && !waiting_.empty()) {
    --free_;
    const auto enter = std::move(waiting_.front());
    waiting_.pop_front();
    enter(std::make_shared<Pass>(weak_from_this()));
  }
  letting_in_ = false;
}

void AcceptedKeys::accepted(const std::string& cluster_key, const std::string& relay, SteadyTime now) {
  auto& [last, before] = seen_[cluster_key];
  if (last.relay != relay) before = std::move(last);
  last = {relay, now};
}

bool AcceptedKeys::elsewhere(const std::string& cluster_key, const std::string& relay, SteadyTime now,
                             std::chrono::nanoseconds fresh) const {
  const auto found = seen_.find(cluster_key);
  if (found == seen_.end()) return false;
  const auto counts = [&](const Seen& seen) {
    return !seen.relay.empty() && seen.relay != relay && now - seen.at <= fresh;
  };
  return counts(found->second.first) || counts(found->second.second);
}

}  // namespace turnkeeper::monitor
