// The init container's part: the agent copies itself to a volume that the relay's container shares, whatever image that
// is.
#pragma once

#include <string>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::agent {

// Copies the running program to `path`, mode 0755, in one step. The directory must exist.
[[nodiscard]] Result<> install(const std::string& path);

}  // namespace turnkeeper::agent
