// What a client is answered that was not let in, or for whom there is nothing.
#pragma once

#include "monitor/access/gate.hpp"
#include "monitor/ice/make_ice_config.hpp"
#include "monitor/shape/reading.hpp"
#include "turnkeeper/http/message.hpp"

namespace turnkeeper::monitor {

// `shown`: the request showed a key, though not a good one.
[[nodiscard]] Trouble trouble_of(const Refusal& refusal, bool shown);
[[nodiscard]] Trouble trouble_of(const IceFailure& failure);

// RFC 9457, with WWW-Authenticate or Retry-After.
[[nodiscard]] http::Response problem(const Refusal& refusal);

}  // namespace turnkeeper::monitor
