// What the flags of turnkeeper-monitor ask for, with the files that they name looked at: what is wrong is said before
// anything is started, and all of it at once.
//
//   Flags flags;
//   declare(app, flags);
//   app.parse(argc, argv);
//   auto asked = asked_for(flags, "laptop", nullptr);
//   if (!asked) for (const auto& error : asked.error()) complain(error.text());
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "monitor/config/monitor_config.hpp"
#include "monitor/run/flags.hpp"
#include "monitor/service/service.hpp"
#include "monitor/target/operator_link.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::monitor {

struct AskedFor {
  Service::Options service;
  std::optional<OperatorLink::Options> link;  // to the operator, where there is one
};

// `config`: monitor.yaml, where there is one. Nothing is listened on and nobody is asked.
[[nodiscard]] tl::expected<AskedFor, std::vector<Error>> asked_for(const Flags& flags, const std::string& vantage,
                                                                   const MonitorConfig* config);

}  // namespace turnkeeper::monitor
