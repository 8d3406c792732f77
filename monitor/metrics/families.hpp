// Names, labels and help of the monitor's own families, in one place (docs/metrics.md). Pure; private to
// monitor/metrics.
#pragma once

#include "monitor/metrics/counted.hpp"
#include "monitor/metrics/exposition.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

void write_families(Exposition& text, const Counted& counted, SystemTime now);

}  // namespace turnkeeper::monitor
