#include "turnkeeper/kube/backoff.hpp"

#include <algorithm>

namespace turnkeeper::kube {

std::chrono::milliseconds Backoff::next(double unit) {
  auto limit = base_;
  for (int i = 0; i < failures_ && limit < cap_; ++i) limit *= 2;
  limit = std::min(limit, cap_);
  ++failures_;
  return std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(limit.count()) * unit));
}

}  // namespace turnkeeper::kube
