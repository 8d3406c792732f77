// What Prometheus' client libraries say about their own process, under their names: process_cpu_seconds_total,
// process_resident_memory_bytes, ... from /proc/self. What cannot be read is left out.
#pragma once

#include "monitor/metrics/exposition.hpp"

namespace turnkeeper::monitor {

void write_process_metrics(Exposition& text);

}  // namespace turnkeeper::monitor
