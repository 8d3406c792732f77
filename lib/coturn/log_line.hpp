// What coturn's log says about why it cannot work. coturn goes on trying for a while, or goes on without a listener, so
// its exit code does not tell.
#pragma once

#include <optional>
#include <string_view>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::coturn {

// A problem in words for whoever runs the relay; nothing for the lines that tell of none. Pure.
[[nodiscard]] std::optional<Error> explain_log_line(std::string_view line);

}  // namespace turnkeeper::coturn
