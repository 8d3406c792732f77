// JSON Web Tokens (RFC 7519, and what RFC 8725 says of their dangers): whom does this one name? Pure.
//
//   auto bearer = verify_jwt(token, keys, {.audience = "turn", .issuer = "https://login.example.org"}, clock.system());
//   if (bearer) make_credentials(bearer->user);
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "monitor/access/jwk_set.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

struct JwtRules {
  std::string audience;            // must be (among) `aud`; empty: not looked at
  std::string issuer;              // must be `iss`; empty: not looked at
  std::string user_claim = "sub";  // the user that credentials are made for
  // Claims that must have this value. A list has it when one of its items is it; `scope` when one of its words is it.
  std::vector<std::pair<std::string, std::string>> required;
  bool operator==(const JwtRules&) const = default;
};

struct JwtBearer {
  // A claim may have any characters, the user of a TURN credential may not: what is not a letter, a digit or one of
  // . _ - @ + ~ becomes =XX, its code.
  std::string user;
  SystemTime until;  // the token's expiry, with the leeway
  KeyDigest key;     // that it is signed with
};

enum class JwtFault {
  malformed,    // no compact JWS, another `typ`, a `crit`, a claim of the wrong type, or no `exp`
  algorithm,    // neither HS256, RS256 nor ES256
  unknown_key,  // no key of that id for that algorithm
  signature,
  expired,
  not_yet,
  audience,
  issuer,
  claim,  // a required one
  user,   // none, or one that is too long
};
// "jwt_expired": a reason of credentials_rejected_total.
[[nodiscard]] std::string_view fault_name(JwtFault fault);

// Three segments with dots between them, of base64url's characters: else it is not even tried.
[[nodiscard]] bool looks_like_jwt(std::string_view token);

// Clocks may differ by a minute. Claims are looked at only when the signature is good.
[[nodiscard]] tl::expected<JwtBearer, JwtFault> verify_jwt(std::string_view token, const JwkSet& keys,
                                                           const JwtRules& rules, SystemTime now);

}  // namespace turnkeeper::monitor
