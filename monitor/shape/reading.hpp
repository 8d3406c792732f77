// What the shapes share in reading a request: keys, hints, lifetimes, JSON bodies.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "monitor/shape/shape.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::monitor {

// The token of `Authorization: Bearer TOKEN` (RFC 6750), the password of `Authorization: Basic ...` (RFC 7617), a query
// field; empty: there is none.
[[nodiscard]] Secret bearer_token(const http::Request& request);
[[nodiscard]] Secret basic_password(const http::Request& request);
[[nodiscard]] Secret query_key(const http::Request& request, std::string_view field);
// bearer_token(), else the header X-API-Key.
[[nodiscard]] Secret native_key(const http::Request& request);

// Query fields that every API takes, those that its vendor does not know too: cluster, region, session,
// rtt=eu:31,us:120 (milliseconds, at most 64 regions), policy=relay. Without `user` and `ttl`.
[[nodiscard]] tl::expected<IceRequest, Trouble> read_hints(const http::Request& request);

// "3600": a positive number of seconds, a year at most: more is cut to that. Nothing: it is none.
[[nodiscard]] std::optional<std::chrono::seconds> read_seconds(std::string_view text);
// The same of a field of a JSON object, a number or a text. Absent, or null: `absent`.
[[nodiscard]] tl::expected<std::optional<std::chrono::seconds>, Trouble> seconds_in(const nlohmann::json& object,
                                                                                    const char* field);
// A text field of at most 128 bytes; absent, or null: empty.
[[nodiscard]] tl::expected<std::string, Trouble> text_in(const nlohmann::json& object, const char* field);

// A JSON object of at most 64 KiB, eight levels deep at most. No body: an empty object.
[[nodiscard]] tl::expected<nlohmann::json, Trouble> read_json(std::string_view body);

}  // namespace turnkeeper::monitor
