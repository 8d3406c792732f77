#pragma once

#include "monitor/probe/probe.hpp"

namespace turnkeeper::cli {

// One full probe, made here and now; blocks.
[[nodiscard]] monitor::ProbeResult run_probe(const monitor::ProbeTarget& target, Deadline deadline);

// Where a "turn:" URI points. An error for what cannot be probed: STUN, TLS, TCP.
[[nodiscard]] Result<monitor::ProbeTarget> probe_target(const std::string& uri, turn::Credential credential);

}  // namespace turnkeeper::cli
