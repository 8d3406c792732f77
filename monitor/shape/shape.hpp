// One credential API as its clients speak it: how a request is read, how it is answered, how it is refused. Pure. Each
// API is a file of its own here; shapes() lists them, and monitor/ice_api serves what is listed.
//
//   auto caller = gate.admit({.key = shape.key(request), .address = request.peer});
//   if (!caller) return shape.refuse(Trouble{.status = caller.error().status, .error = caller.error().error});
//   auto ask = shape.read(request);
//   if (!ask) return shape.refuse(ask.error());
//   auto config = make_config(ask->request);   // after the hints and the user are settled
//   return ask->answer(*config, clock.system());
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "monitor/ice/make_ice_config.hpp"
#include "turnkeeper/http/message.hpp"

namespace turnkeeper::monitor {

// Why somebody gets no credentials.
struct Trouble {
  int status = 400;     // what HTTP makes of it: 400, 401, 403, 404, 429, 501 or 503
  Error error;          // for the client
  bool no_key = false;  // of a 401: nothing at all was shown
  std::optional<std::chrono::seconds> retry_after;
};

// What a request asks for.
struct Ask {
  IceRequest request;  // without a user: the API knows none, or it was left out
  // Names of the vendor's own that may be one of ours: taken when there is such a cluster or region, else they mean
  // nothing.
  std::string cluster_hint;
  std::string region_hint;
  bool must_name_user = false;  // credentials are for a user of the application's, never for the caller at large
  std::function<http::Response(const IceConfig&, SystemTime now)> answer;
};

// A credential that was issued here, shown in place of a key: whoever has it may be told where it is good.
struct IssuedCredential {
  std::string username;  // "EXPIRY:USER"
  Secret password;
  std::string user;
  SystemTime expires;
};

struct Shape {
  std::string_view api;     // of credentials_issued_total{api}
  std::string_view method;  // "GET"
  std::vector<std::string_view> paths;
  // What the gate is to be shown; empty: the request shows nothing.
  Secret (*key)(const http::Request&);
  tl::expected<Ask, Trouble> (*read)(const http::Request&);
  http::Response (*refuse)(const Trouble&);
  // Nothing: the key is none. It proves nothing by itself: whether we would issue it now is for the caller to see.
  std::optional<IssuedCredential> (*issued)(const http::Request&) = nullptr;
};

// Every one, in no particular order. Paths do not overlap, "/" is not among them.
[[nodiscard]] std::span<const Shape> shapes();

// Seconds until the credentials of a config run out: never negative, never a second short for a cut-off fraction.
[[nodiscard]] std::int64_t seconds_left(const IceConfig& config, SystemTime now);

// For APIs that have room for one user name and password: those of the best relay, with the TURN URLs that they are
// good for.
struct OneCredential {
  std::vector<std::string> urls;  // empty: there is no relay to name
  std::string username;
  Secret password;
};
[[nodiscard]] OneCredential best_credential(const IceConfig& config);

// JSON that no cache keeps.
[[nodiscard]] http::Response fresh_json(std::string body, int status = 200);

}  // namespace turnkeeper::monitor
