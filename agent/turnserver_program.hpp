// Which turnserver to run in an image that we did not make.
#pragma once

#include <string>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/coturn/version.hpp"

namespace turnkeeper::agent {

struct TurnserverProgram {
  std::string path;
  coturn::Version version;
};

// Finds `turnserver` (a path, or a name in PATH and the usual directories) and asks its version.
// Upstream's images give it the file capability cap_net_bind_service, with which the kernel refuses to execute it in a
// container that dropped that capability. Then it is copied to `state_directory`, where it has none, and run from
// there.
[[nodiscard]] Result<TurnserverProgram> find_turnserver(const std::string& turnserver,
                                                        const std::string& state_directory);

}  // namespace turnkeeper::agent
