// The answer of GET /probe: one full probe as Prometheus text, the way blackbox_exporter answers. Pure.
#pragma once

#include <string>

#include "monitor/probe/probe_result.hpp"

namespace turnkeeper::monitor {

//   probe_success 0
//   probe_duration_seconds 0.0031
//   probe_phase_duration_seconds{phase="resolve"} 0.0002
//   probe_failure{cause="auth-secret"} 1
[[nodiscard]] std::string probe_text(const ProbeResult& result);

}  // namespace turnkeeper::monitor
