#include "monitor/access/jwk_set.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/owned.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr std::size_t most_keys = 64;
constexpr std::size_t shortest_secret = 32;  // RFC 7518 section 3.2
constexpr int fewest_rsa_bits = 2048;
constexpr int most_rsa_bits = 8192;  // more would cost the monitor's one thread milliseconds
constexpr std::size_t coordinate_bytes = 32;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Failures stay in OpenSSL's queue of this thread, where a TLS connection would take them for its own.
struct CleanErrors {
  ~CleanErrors() { ERR_clear_error(); }
};

std::string text_of(const nlohmann::json& jwk, const char* name) {
  const auto found = jwk.find(name);
  return found != jwk.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<std::string> bytes_of_field(const nlohmann::json& jwk, const char* name) {
  auto bytes = base64url_decode(text_of(jwk, name));
  if (!bytes || bytes->empty()) return fail(std::string("its ") + name + " is no base64url", "");
  return std::move(*bytes);
}

Result<std::shared_ptr<EVP_PKEY>> public_key(const char* type, OSSL_PARAM_BLD* builder) {
  const Owned<OSSL_PARAM, OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(builder));
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* made = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return fail("it is no valid public key");
  }
  std::shared_ptr<EVP_PKEY> key(made, &EVP_PKEY_free);
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> check(EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr));
  if (!check || EVP_PKEY_public_check_quick(check.get()) != 1) return fail("it is no valid public key");
  return key;
}

Result<std::shared_ptr<EVP_PKEY>> rsa_key(const nlohmann::json& jwk) {
  const auto modulus = bytes_of_field(jwk, "n");
  if (!modulus) return fail(modulus.error());
  const auto exponent = bytes_of_field(jwk, "e");
  if (!exponent) return fail(exponent.error());
  const Owned<BIGNUM, BN_free> n(BN_bin2bn(bytes_of(*modulus), static_cast<int>(modulus->size()), nullptr));
  const Owned<BIGNUM, BN_free> e(BN_bin2bn(bytes_of(*exponent), static_cast<int>(exponent->size()), nullptr));
  if (!n || BN_num_bits(n.get()) < fewest_rsa_bits || BN_num_bits(n.get()) > most_rsa_bits) {
    return fail("its RSA modulus has not " + std::to_string(fewest_rsa_bits) + " to " + std::to_string(most_rsa_bits) +
                " bits");
  }
  if (!e || BN_num_bits(e.get()) > 64 || BN_is_odd(e.get()) == 0 || BN_is_one(e.get()) != 0) {
    return fail("its RSA exponent is not sound");
  }
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return fail("no memory");
  }
  return public_key("RSA", builder.get());
}

Result<std::shared_ptr<EVP_PKEY>> p256_key(const nlohmann::json& jwk) {
  const auto x = bytes_of_field(jwk, "x");
  if (!x) return fail(x.error());
  const auto y = bytes_of_field(jwk, "y");
  if (!y) return fail(y.error());
  if (x->size() != coordinate_bytes || y->size() != coordinate_bytes) return fail("its coordinates have not 32 bytes");
  const std::string point = '\x04' + *x + *y;  // uncompressed, SEC 1 section 2.3.3
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return fail("no memory");
  }
  return public_key("EC", builder.get());
}

// Of the key's kind; nothing: a kind, or a use, that is not ours.
std::optional<JwsAlgorithm> algorithm_of(const nlohmann::json& jwk) {
  if (const auto use = text_of(jwk, "use"); jwk.contains("use") && use != "sig") return std::nullopt;
  if (const auto found = jwk.find("key_ops"); found != jwk.end()) {
    if (!found->is_array() || std::ranges::find(*found, nlohmann::json("verify")) == found->end()) return std::nullopt;
  }
  const auto kind = text_of(jwk, "kty");
  std::optional<JwsAlgorithm> algorithm;
  if (kind == "oct") algorithm = JwsAlgorithm::hs256;
  if (kind == "RSA") algorithm = JwsAlgorithm::rs256;
  if (kind == "EC" && text_of(jwk, "crv") == "P-256") algorithm = JwsAlgorithm::es256;
  if (jwk.contains("alg") && parse_algorithm(text_of(jwk, "alg")) != algorithm) return std::nullopt;
  return algorithm;
}

bool verify_hmac(const Secret& secret, std::string_view signed_text, std::string_view signature) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> expected{};
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), secret.reveal().data(), static_cast<int>(secret.reveal().size()), bytes_of(signed_text),
           signed_text.size(), expected.data(), &size) == nullptr) {
    return false;
  }
  return signature.size() == size && CRYPTO_memcmp(expected.data(), signature.data(), size) == 0;
}

// JWS holds r and s one behind the other (RFC 7518 section 3.4); OpenSSL wants them as DER.
std::string der_signature(std::string_view signature) {
  if (signature.size() != 2 * coordinate_bytes) return {};
  const Owned<ECDSA_SIG, ECDSA_SIG_free> pair(ECDSA_SIG_new());
  Owned<BIGNUM, BN_free> r(BN_bin2bn(bytes_of(signature), coordinate_bytes, nullptr));
  Owned<BIGNUM, BN_free> s(BN_bin2bn(bytes_of(signature) + coordinate_bytes, coordinate_bytes, nullptr));
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  (void)r.release();
  (void)s.release();
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return {};
  std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return text;
}

Secret public_der(EVP_PKEY& key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(&key, &der);
  if (size <= 0) return {};
  Secret text(std::string(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return text;
}

}  // namespace

std::optional<JwsAlgorithm> parse_algorithm(std::string_view name) {
  if (name == "HS256") return JwsAlgorithm::hs256;
  if (name == "RS256") return JwsAlgorithm::rs256;
  if (name == "ES256") return JwsAlgorithm::es256;
  return std::nullopt;
}

Result<JwkSet> JwkSet::parse(std::string_view json, Secrets secrets) {
  const CleanErrors clean;
  const auto document = nlohmann::json::parse(json, nullptr, false);
  const auto keys = document.is_object() ? document.find("keys") : document.end();
  if (!document.is_object() || keys == document.end() || !keys->is_array()) {
    return fail("this is no JSON Web Key Set", R"(it begins with {"keys":[{"kty":...)");
  }
  if (keys->size() > most_keys)
    return fail("the JSON Web Key Set has more than " + std::to_string(most_keys) + " keys");
  JwkSet set;
  for (const auto& jwk : *keys) {
    const auto algorithm = jwk.is_object() ? algorithm_of(jwk) : std::nullopt;
    if (!algorithm) continue;
    Key key{.kid = text_of(jwk, "kid"), .algorithm = *algorithm, .key = nullptr, .secret = {}, .digest = {}};
    const auto wrong = [&](const Error& error) {
      return fail("the key '" + key.kid.substr(0, 64) + "' of the JSON Web Key Set: " + error.message, error.advice);
    };
    if (*algorithm == JwsAlgorithm::hs256) {
      if (secrets == Secrets::refused) {
        return wrong({"it is a shared secret, and whoever fetches the set has it", "give that set as a file"});
      }
      auto bytes = bytes_of_field(jwk, "k");
      if (!bytes) return wrong(bytes.error());
      if (bytes->size() < shortest_secret) return wrong({"its secret is shorter than 32 bytes", "make a longer one"});
      key.secret = Secret(std::move(*bytes));
    } else {
      auto made = *algorithm == JwsAlgorithm::rs256 ? rsa_key(jwk) : p256_key(jwk);
      if (!made) return wrong(made.error());
      key.key = std::move(*made);
    }
    key.digest = key.key ? key_digest(public_der(*key.key)) : key_digest(key.secret);
    set.keys_.push_back(std::move(key));
  }
  if (set.keys_.empty()) return fail("the JSON Web Key Set has no key for HS256, RS256 or ES256");
  return set;
}

bool JwkSet::verify(const Key& key, std::string_view signed_text, std::string_view signature) {
  const CleanErrors clean;
  if (key.algorithm == JwsAlgorithm::hs256) return verify_hmac(key.secret, signed_text, signature);
  std::string der;
  if (key.algorithm == JwsAlgorithm::es256) {
    der = der_signature(signature);
    signature = der;
  }
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  return !signature.empty() && context &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(signed_text),
                          signed_text.size()) == 1;
}

tl::expected<KeyDigest, JwkSet::Fault> JwkSet::check(JwsAlgorithm algorithm, std::string_view kid,
                                                     std::string_view signed_text, std::string_view signature) const {
  auto fault = Fault::unknown_key;
  for (const auto& key : keys_) {
    if (key.algorithm != algorithm || (!kid.empty() && !key.kid.empty() && kid != key.kid)) continue;
    if (verify(key, signed_text, signature)) return key.digest;
    fault = Fault::bad_signature;
  }
  return tl::unexpected(fault);
}

bool JwkSet::has(const KeyDigest& key) const {
  return std::ranges::any_of(keys_, [&](const Key& one) { return one.digest == key; });
}

}  // namespace turnkeeper::monitor
