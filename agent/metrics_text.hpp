// The agent's metrics in Prometheus' text format. Pure.
#pragma once

#include <string>

#include "turnkeeper/coturn/version.hpp"

namespace turnkeeper::agent {

struct Metrics {
  int sessions = -1;  // live allocations; negative: unknown, left out
  int relay_starts = 0;
  int signing_keys = 0;
  bool draining = false;
  coturn::Version coturn;
};

inline constexpr const char* metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

[[nodiscard]] std::string metrics_text(const Metrics& metrics);

}  // namespace turnkeeper::agent
