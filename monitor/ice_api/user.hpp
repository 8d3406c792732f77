// Whose credentials a caller gets, whichever way he asks.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "monitor/access/gate.hpp"
#include "monitor/shape/shape.hpp"

namespace turnkeeper::monitor {

// The one user that the caller's key is good for; else the one `asked` for; else, unless the API has users and one must
// be named (then the answer is empty, which the core refuses), one that is made up: "KEY~1a2b3c4d". Each issue gets a
// user of its own then, as a relay counts its limit of sessions by user, and all of an application's calls must not
// share one. 403: the key is good for somebody else.
[[nodiscard]] tl::expected<std::string, Trouble> user_for(const Caller& caller, const std::string& asked,
                                                          bool must_name_user);

}  // namespace turnkeeper::monitor
