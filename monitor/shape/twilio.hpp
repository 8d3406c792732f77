// Twilio's Network Traversal Service:
//   POST /2010-04-01/Accounts/{AccountSid}/Tokens.json   Basic ANYTHING:KEY   Ttl=3600
//   201 {"username","password","ttl":"3600","account_sid","ice_servers":[{"url","urls","username","credential"}, ...],
//        "date_created":"Sun, 22 Nov 2026 05:00:00 +0000","date_updated"}
//   {"code":20003,"message":"Authenticate","more_info":"https://www.twilio.com/docs/errors/20003","status":401}
// A day at most, and that when no Ttl is given, as Twilio does. The AccountSid may be one of our clusters.
#pragma once

#include "monitor/shape/shape.hpp"

namespace turnkeeper::monitor {

[[nodiscard]] Shape twilio_shape();

}  // namespace turnkeeper::monitor
