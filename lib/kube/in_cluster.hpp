// The configuration that Kubernetes gives every pod: environment variables and the mounted service account.
#pragma once

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/kube/config.hpp"

namespace turnkeeper::kube {

[[nodiscard]] turnkeeper::Result<Config> load_in_cluster(const Environment& environment);

}  // namespace turnkeeper::kube
