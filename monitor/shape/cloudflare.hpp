// Cloudflare Realtime TURN:
//   POST /v1/turn/keys/{key id}/credentials/generate-ice-servers   Bearer KEY   {"ttl":86400,"customIdentifier":"U"}
//   201 {"iceServers":[{"urls":["stun:..."]},{"urls":["turn:...","turns:..."],"username":"...","credential":"..."}]}
// .../credentials/generate is its older form, with one object in place of the array. .../credentials/{username}/revoke
// is refused with 501: a relay knows a time-limited credential by its signature alone, so one cannot be taken back
// without the others. The errors are the envelope of Cloudflare's API: {"success":false,"errors":[{"code","message"}],
// "messages":[],"result":null}. A ttl above 172800 is refused, as there. The key id may be one of our clusters.
#pragma once

#include "monitor/shape/shape.hpp"

namespace turnkeeper::monitor {

[[nodiscard]] Shape cloudflare_shape();
[[nodiscard]] Shape cloudflare_single_shape();
[[nodiscard]] Shape cloudflare_revoke_shape();

}  // namespace turnkeeper::monitor
