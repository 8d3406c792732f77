// `turnkeeper-monitor --once`: every address of every URL of every relay is resolved and probed once, for CI and cron.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "monitor/config/monitor_config.hpp"
#include "monitor/probe/probe_result.hpp"

namespace turnkeeper::monitor {

struct OnceRow {
  RelayId relay;
  std::string url;
  ProbeResult result;  // with `ok` and a cause: it works, but something is wrong with it
};

// Runs until every probe and, with config.checks, every path check has come to its end: a few seconds at most for each
// fifty. `progress`: null, or a terminal that is shown how far it is.
[[nodiscard]] std::vector<OnceRow> probe_once(const MonitorConfig& config, std::ostream* progress);

// A table with the cause and advice for what is wrong, or a JSON list. Pure.
[[nodiscard]] std::string once_table(const std::vector<OnceRow>& rows);
[[nodiscard]] std::string once_json(const std::vector<OnceRow>& rows);
// Whether every row is good.
[[nodiscard]] bool all_good(const std::vector<OnceRow>& rows);

}  // namespace turnkeeper::monitor
