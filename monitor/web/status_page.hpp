// The status page: one HTML document without external resources, which follows GET /api/events.
#pragma once

#include "turnkeeper/http/message.hpp"

namespace turnkeeper::monitor {

// For GET /. Its policy lets the browser load and send nothing but this server's own events.
[[nodiscard]] http::Response status_page();

}  // namespace turnkeeper::monitor
