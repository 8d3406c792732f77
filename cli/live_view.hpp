// What `turnctl up` shows: a table that is redrawn in place on a terminal, or one line for each change. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "monitor/ice/ice_config.hpp"
#include "monitor/web/status.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::cli {

struct LiveView {
  std::string cluster;
  std::string url;                  // of the status page
  std::string room;                 // URL of the room; empty: there is none
  std::string program = "turnctl";  // as it was called, so that the suggested commands work where they are read
  std::string options;              // what the suggested commands need besides their names, such as " --state-dir DIR"
  SystemTime now;
  monitor::Status status;
  std::set<std::string> held;              // relays that were stopped on purpose
  std::map<std::string, Error> problems;   // by relay: what its process said last
  std::vector<monitor::IceConfig> offers;  // one for each region: what a client there would get
  std::string rotation;                    // of the signing keys: what it does or waits for; empty: nothing
};

struct Screen {
  std::size_t columns = 100;  // longer lines are cut
  std::size_t rows = 50;      // further lines are left out
  bool color = true;
};

[[nodiscard]] std::vector<std::string> render_live_view(const LiveView& view, const Screen& screen);

// One line for each relay whose verdict or cause changed and for each new failover, with the time of day in UTC.
[[nodiscard]] std::vector<std::string> describe_changes(const monitor::Status& before, const monitor::Status& after,
                                                        SystemTime now);

}  // namespace turnkeeper::cli
