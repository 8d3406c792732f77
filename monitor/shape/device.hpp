// GET /api/turn/credentials?device_id=D: one credential for a robot, a camera, a phone.
//   {"urls":["turn:..."],"username":"...","credential":"...","ttl":86400,"expires_at":"2026-..."}
#pragma once

#include "monitor/shape/shape.hpp"

namespace turnkeeper::monitor {

[[nodiscard]] Shape device_shape();

}  // namespace turnkeeper::monitor
