// The answer of GET /probe: one full probe as Prometheus text, the way blackbox_exporter answers. Pure.
#pragma once

#include <string>

#include "monitor/probe/path_checks.hpp"
#include "monitor/probe/probe_result.hpp"

namespace turnkeeper::monitor {

// blackbox_exporter's own names where it has one (probe_success, probe_duration_seconds, probe_ip_protocol,
// probe_ssl_earliest_cert_expiry, probe_tls_version_info), ours beside them:
//   probe_success 0
//   probe_duration_seconds 0.0031
//   probe_phase_duration_seconds{phase="resolve"} 0.0002
//   probe_failure{cause="auth-secret"} 1
// Findings of the path checks, if there were any (else null), make it a failure; what works in spite of a cause, such
// as a redirect, is probe_degraded.
[[nodiscard]] std::string probe_text(const ProbeResult& result, const PathReport* checks = nullptr);

}  // namespace turnkeeper::monitor
