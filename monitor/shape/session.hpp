// POST /v1/sessions: the configs of all ends of one call or session at once, for a signalling server to hand out.
//   {"session":"call-42","ends":[{"user":"robot","region":"eu"},{"user":"app"}],"ttl":3600,"cluster":"demo",
//    "policy":"relay"}
//   {"session":"call-42","ends":[{"user":"robot","iceServers":[...], ... as GET /v1/ice},{"user":"app", ...}]}
// All ends name the same session, so those of one region get the same first relay; an end that says nothing of where it
// is counts as being where the first one is that does. "rtts":{"eu":31} may stand in place of "region".
#pragma once

#include <span>

#include "monitor/shape/shape.hpp"

namespace turnkeeper::monitor {

struct SessionAsk {
  std::string session;           // empty: it has no name yet; name it before the configs are made
  std::vector<IceRequest> ends;  // 1 to 16, each with a user; `session` is empty in them
};

[[nodiscard]] tl::expected<SessionAsk, Trouble> read_session(const http::Request& request);

// `configs` in the order of `ends`.
[[nodiscard]] http::Response session_answer(const SessionAsk& ask, std::span<const IceConfig> configs, SystemTime now);

}  // namespace turnkeeper::monitor
