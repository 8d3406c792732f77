// The credential that this monitor itself uses a relay with. Pure.
#pragma once

#include <string>

#include "monitor/target/fleet.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::monitor {

// The relay's own fixed user, else one signed with the cluster's issuing key and named after the vantage. An error when
// there is no such relay or no such key.
[[nodiscard]] Result<turn::Credential> relay_credential(const Fleet& fleet, const RelayId& id,
                                                        const std::string& vantage, SystemTime now);

}  // namespace turnkeeper::monitor
