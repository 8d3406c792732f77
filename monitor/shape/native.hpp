// GET /v1/ice?user=U[&region&session&cluster&rtt&ttl&policy]: our own, and the one that says everything.
#pragma once

#include "monitor/shape/shape.hpp"

namespace turnkeeper::monitor {

[[nodiscard]] Shape native_shape();

// RFC 9457, with WWW-Authenticate and Retry-After where they belong.
[[nodiscard]] http::Response native_refusal(const Trouble& trouble);

// What GET /v1/ice and GET /v1/events ask for.
[[nodiscard]] tl::expected<IceRequest, Trouble> native_request(const http::Request& request);

}  // namespace turnkeeper::monitor
