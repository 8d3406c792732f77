// Between the messages of proto/turnkeeper/v1/ice.proto and the values of monitor/ice. Pure.
#pragma once

#include <string>

#include "monitor/ice/make_ice_config.hpp"
#include "monitor/push/push_hub.hpp"
#include "turnkeeper/v1/ice.pb.h"

namespace turnkeeper::monitor {

// Round trips and lifetimes that make no sense are left out.
[[nodiscard]] IceRequest ice_request(const std::string& cluster, const std::string& session, const v1::IceEnd& end);

[[nodiscard]] v1::IceConfig to_proto(const IceConfig& config);
[[nodiscard]] v1::IceConfig to_proto(const Push& push);

}  // namespace turnkeeper::monitor
