// What a client is answered that was not let in.
#pragma once

#include "monitor/access/gate.hpp"
#include "turnkeeper/http/message.hpp"

namespace turnkeeper::monitor {

// The token of `Authorization: Bearer TOKEN` (RFC 6750); empty: there is none.
[[nodiscard]] Secret bearer_token(const http::Request& request);

// RFC 9457, with WWW-Authenticate or Retry-After.
[[nodiscard]] http::Response problem(const Refusal& refusal);

}  // namespace turnkeeper::monitor
