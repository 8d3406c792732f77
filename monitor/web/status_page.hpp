// The status page: one HTML document with its style and its script, nothing from elsewhere, which follows
// GET /api/events and reads GET /api/history.
#pragma once

#include "turnkeeper/http/message.hpp"

namespace turnkeeper::monitor {

// For GET /. Its policy lets the browser load and ask nothing but this server.
[[nodiscard]] http::Response status_page();
[[nodiscard]] http::Response status_style();   // for GET /status.css
[[nodiscard]] http::Response status_script();  // for GET /status.js

}  // namespace turnkeeper::monitor
