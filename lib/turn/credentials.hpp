// Time-limited credentials ("REST API" credentials, draft-uberti-behave-turn-rest): the user name carries the expiry
// and the password proves that whoever issued it knows the relays' shared secret, so a relay needs no list of users.
//
//   auto credential = time_limited_credential(key.secret, "alice", clock.system() + 24h);
//   credential.username;   // "1700086400:alice"
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/turn/integrity.hpp"

namespace turnkeeper::turn {

struct Credential {
  std::string username;
  Secret password;
  SystemTime expires = SystemTime::max();  // after that, no new allocation can be made with it
  bool operator==(const Credential&) const = default;
};

// User name "EXPIRY:USER" (Unix seconds), password base64(HMAC-SHA1(secret, user name)). `expires` is cut to whole
// seconds. An empty user gives "EXPIRY" alone, which coturn accepts too.
[[nodiscard]] Credential time_limited_credential(const Secret& secret, std::string_view user, SystemTime expires);

// The same for whoever makes many: the key is IntegrityKey(secret.reveal(), IntegrityAlgorithm::sha1).
[[nodiscard]] Credential time_limited_credential(const IntegrityKey& key, std::string_view user, SystemTime expires);

// The password alone, for a user name that exists already.
[[nodiscard]] Secret time_limited_password(const Secret& secret, std::string_view username);

// How a password becomes a key, with the numbers of RFC 8489 section 18.5.
enum class PasswordAlgorithm : std::uint16_t { md5 = 1, sha256 = 2 };

// The HMAC key of long-term credentials, the digest of "username:realm:password" (RFC 8489 sections 9.2.2 and 18.5.1):
// 16 or 32 raw bytes. The texts are used as they are: OpaqueString preparation (RFC 8265) is the caller's, and changes
// nothing in ASCII.
[[nodiscard]] Secret long_term_key(std::string_view username, std::string_view realm, const Secret& password,
                                   PasswordAlgorithm algorithm = PasswordAlgorithm::md5);

// USERHASH, SHA-256 of "username:realm" (RFC 8489 section 14.4): a user name that only the server recognizes.
[[nodiscard]] std::array<std::uint8_t, 32> user_hash(std::string_view username, std::string_view realm);

}  // namespace turnkeeper::turn
