// How many allocations a coturn process holds, on any version and without asking it: each has a socket bound inside the
// range of relayed ports.
#pragma once

#include <sys/types.h>

#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::coturn {

// Reads /proc: the process's descriptors against the socket tables of its network namespace. A client that reserved a
// second port (EVEN-PORT) counts twice. An error when the process is gone or is another user's.
[[nodiscard]] Result<int> live_allocations(pid_t turnserver, const api::Ports& ports);

}  // namespace turnkeeper::coturn
