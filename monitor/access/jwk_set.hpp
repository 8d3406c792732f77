// A JSON Web Key Set (RFC 7517): whose signatures under JSON Web Tokens are good. Pure, over OpenSSL's primitives.
//
//   auto keys = JwkSet::parse(text, JwkSet::Secrets::refused);
//   if (!keys) return fail(keys.error());
//   if (keys->check(JwsAlgorithm::es256, kid, signed_text, signature)) ...
//
// HS256 (a secret of 32 bytes or more), RS256 (2048 to 8192 bits) and ES256; a key is good for the one algorithm of its
// kind, so a token cannot have an RSA key used as a secret. Keys of other kinds, or for other uses, are passed over.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/access/api_keys.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"

using EVP_PKEY = struct evp_pkey_st;

namespace turnkeeper::monitor {

enum class JwsAlgorithm { hs256, rs256, es256 };

// Nothing: "none", and every other one.
[[nodiscard]] std::optional<JwsAlgorithm> parse_algorithm(std::string_view name);

class JwkSet {
 public:
  // Whether the set may hold shared secrets. One that everybody can fetch may not.
  enum class Secrets { allowed, refused };
  // At most 64 keys. An error: no JWKS, a malformed key, or none that is of use.
  [[nodiscard]] static Result<JwkSet> parse(std::string_view json, Secrets secrets);

  enum class Fault { unknown_key, bad_signature };
  // With the key of that id, or, where token or key have none, with each of that algorithm. The one it is good with.
  [[nodiscard]] tl::expected<KeyDigest, Fault> check(JwsAlgorithm algorithm, std::string_view kid,
                                                     std::string_view signed_text, std::string_view signature) const;
  [[nodiscard]] bool has(const KeyDigest& key) const;
  [[nodiscard]] std::size_t size() const { return keys_.size(); }

 private:
  struct Key {
    std::string kid;
    JwsAlgorithm algorithm;
    std::shared_ptr<EVP_PKEY> key;  // immutable; null for hs256
    Secret secret;
    KeyDigest digest;  // of what it verifies with
  };
  [[nodiscard]] static bool verify(const Key& key, std::string_view signed_text, std::string_view signature);
  std::vector<Key> keys_;
};

}  // namespace turnkeeper::monitor
