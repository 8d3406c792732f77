// Xirsys:
//   PUT /_turn/{channel}   Basic ANYTHING:KEY   {"format":"urls","expire":"1800"}
//   {"v":{"iceServers":{"username":"...","urls":["stun:...","turn:..."],"credential":"..."}},"s":"ok"}
// Without `format` there is an array, one {"url","username","credential"} for each URL. It refuses with status 200 and
// {"v":"unauthorized","s":"error"}; only 429 and 503 are told by the status too. The channel may be one of our
// clusters.
#pragma once

#include "monitor/shape/shape.hpp"

namespace turnkeeper::monitor {

[[nodiscard]] Shape xirsys_shape(std::string_view method);  // "PUT"; "POST" is taken as well

}  // namespace turnkeeper::monitor
