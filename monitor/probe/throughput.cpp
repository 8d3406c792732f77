#include "monitor/probe/throughput.hpp"

#include <algorithm>

namespace turnkeeper::monitor {

ThroughputPlan bounded(ThroughputPlan plan) {
  constexpr int longest_seconds = 10;
  plan.size = std::clamp(plan.size, min_throughput_size, max_throughput_size);
  plan.per_second = std::clamp(plan.per_second, 1, max_throughput_per_second);
  plan.packets = std::clamp(plan.packets, 1, std::min(max_throughput_packets, plan.per_second * longest_seconds));
  return plan;
}

double Throughput::bits_per_second() const {
  const double seconds = std::chrono::duration<double>(took).count();
  return seconds > 0 ? 8.0 * received * size / seconds : 0;
}

double Throughput::loss() const {
  return sent > 0 ? 1.0 - static_cast<double>(received) / sent : 0;
}

}  // namespace turnkeeper::monitor
