// Whose address a request counts against. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "turnkeeper/base/address_range.hpp"

namespace turnkeeper::monitor {

// Of "192.0.2.1:40000" its address without the port; of IPv6 the /64, which is what one subscriber has; "unix" as it
// is. A peer in `proxies` speaks for whom the last entry of X-Forwarded-For names that is no such proxy itself.
[[nodiscard]] std::string client_address(std::string_view peer, std::string_view forwarded_for,
                                         const std::vector<AddressRange>& proxies);

}  // namespace turnkeeper::monitor
