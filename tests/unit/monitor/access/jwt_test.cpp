#include "monitor/access/jwt.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "signed_tokens.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::monitor {
namespace {

using std::chrono::seconds;

constexpr std::int64_t now = 1'800'000'000;
const SystemTime time_now{seconds(now)};
const std::string secret = "0123456789abcdef0123456789abcdef";
const JwtRules rules{.audience = "turn", .issuer = "https://login.example.org", .required = {}};

std::string base64url(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::string sign(const std::string& header, const std::string& claims, const std::string& key = secret) {
  const std::string text = base64url(header) + '.' + base64url(claims);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest.data(), &size);
  return text + '.' + base64url({reinterpret_cast<const char*>(digest.data()), size});
}

const std::string header = R"({"alg":"HS256","kid":"s","typ":"JWT"})";

std::string claims(const std::string& more = "", std::int64_t expires = now + 60) {
  return R"({"sub":"alice","aud":"turn","iss":"https://login.example.org","exp":)" + std::to_string(expires) + more +
         '}';
}

JwkSet keys() {
  const auto set = JwkSet::parse(
      R"({"keys":[{"kty":"oct","kid":"s","k":")" + base64url(secret) + R"("},)" + rsa_jwk + ',' + ec_jwk + "]}",
      JwkSet::Secrets::allowed);
  EXPECT_TRUE(set) << set.error().text();
  return set.value_or(JwkSet());
}

// What is wrong with it; "" when nothing is.
std::string fault(const std::string& token, const JwtRules& under = rules, SystemTime at = time_now) {
  const auto bearer = verify_jwt(token, keys(), under, at);
  EXPECT_EQ(ERR_peek_error(), 0U) << "a TLS connection of this thread would take this error for its own";
  return bearer ? "" : std::string(fault_name(bearer.error()));
}

TEST(JwtTest, ATokenOfEachAlgorithmNamesItsUser) {
  for (const std::string& token : {sign(header, claims()), std::string(rs256_token), std::string(es256_token)}) {
    const auto bearer = verify_jwt(token, keys(), rules, time_now);
    ASSERT_TRUE(bearer) << fault_name(bearer.error());
    EXPECT_EQ(bearer->user, "alice");
  }
}

TEST(JwtTest, TheTokenOfRfc7515IsGood) {
  const auto set = JwkSet::parse(
      R"({"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]})",
      JwkSet::Secrets::allowed);
  ASSERT_TRUE(set);
  const auto bearer = verify_jwt(
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
      *set, {.issuer = "joe", .user_claim = "iss", .required = {{"http://example.com/is_root", "true"}}},
      SystemTime(seconds(1300819379)));
  ASSERT_TRUE(bearer) << fault_name(bearer.error());
  EXPECT_EQ(bearer->user, "joe");
  EXPECT_EQ(unix_seconds(bearer->until), 1300819380 + 60);
}

TEST(JwtTest, AnAlgorithmThatTheKeyIsNotForIsRefused) {
  EXPECT_EQ(fault(confused_token), "jwt_unknown_key");  // HS256 with the RSA key for its secret
  EXPECT_EQ(fault(sign(R"({"alg":"HS256","kid":"rsa-1"})", claims())), "jwt_unknown_key");
  EXPECT_EQ(fault(sign(R"({"alg":"RS256","kid":"s"})", claims())), "jwt_unknown_key");
  EXPECT_EQ(fault(sign(R"({"alg":"ES256","kid":"rsa-1"})", claims())), "jwt_unknown_key");
  for (const auto* other : {"none", "None", "NONE", "", "HS512", "PS256", "RS512", "EdDSA", "hs256"}) {
    EXPECT_EQ(fault(sign(R"({"alg":")" + std::string(other) + R"(","kid":"s"})", claims())), "jwt_algorithm") << other;
  }
  EXPECT_EQ(fault(base64url(R"({"alg":"none"})") + '.' + base64url(claims()) + '.'), "jwt_algorithm");
}

TEST(JwtTest, WhatWasChangedAfterSigningIsRefused) {
  for (const std::string& token : {sign(header, claims()), std::string(rs256_token), std::string(es256_token)}) {
    const auto first = token.find('.');
    const auto second = token.rfind('.');
    EXPECT_EQ(fault(token.substr(0, first + 1) + base64url(claims(R"(,"admin":true)")) + token.substr(second)),
              "jwt_signature");
    EXPECT_EQ(fault(token.substr(0, second + 1)), "jwt_signature") << "a token without its signature";
    auto flipped = token;
    flipped[second + 10] = flipped[second + 10] == 'A' ? 'B' : 'A';
    EXPECT_EQ(fault(flipped), "jwt_signature");
    EXPECT_EQ(fault(token.substr(0, second + 1) + std::string(86, 'A')), "jwt_signature");
  }
  EXPECT_EQ(fault(sign(header, claims(), "another secret of the same size!")), "jwt_signature");
}

TEST(JwtTest, AKeyThatIsNotInTheSetIsTold) {
  EXPECT_EQ(fault(sign(R"({"alg":"HS256","kid":"new"})", claims())), "jwt_unknown_key");
  EXPECT_EQ(fault(sign(R"({"alg":"HS256"})", claims())), "") << "without kid every key of the algorithm is tried";
}

TEST(JwtTest, ATokenIsGoodInItsTimeAndAMinuteAround) {
  EXPECT_EQ(fault(sign(header, claims("", now - 59))), "");
  EXPECT_EQ(fault(sign(header, claims("", now - 60))), "jwt_expired");
  EXPECT_EQ(fault(sign(header, claims("", 253402300799))), "") << "as issuers write that it never ends";
  EXPECT_EQ(fault(sign(header, claims(R"(,"nbf":253402300799)"))), "jwt_not_yet");
  EXPECT_EQ(fault(sign(header, claims(R"(,"nbf":)" + std::to_string(now + 60)))), "");
  EXPECT_EQ(fault(sign(header, claims(R"(,"nbf":)" + std::to_string(now + 61)))), "jwt_not_yet");
  for (const auto* bad : {"\"soon\"", "1e300", "-1", "null", "[1]"}) {
    EXPECT_EQ(fault(sign(header, claims(std::string(R"(,"nbf":)") + bad))), "jwt_malformed") << bad;
    EXPECT_EQ(
        fault(sign(header,
                   std::string(R"({"sub":"alice","aud":"turn","iss":"https://login.example.org","exp":)") + bad + '}')),
        "jwt_malformed")
        << bad;
  }
  EXPECT_EQ(fault(sign(header, R"({"sub":"alice","aud":"turn","iss":"https://login.example.org"})")), "jwt_malformed")
      << "a token without an end";
}

TEST(JwtTest, ATokenForSomethingElseIsRefused) {
  const auto with = [](const std::string& audience, const std::string& issuer) {
    return sign(header, R"({"sub":"alice","exp":)" + std::to_string(now + 60) + R"(,"aud":)" + audience + R"(,"iss":)" +
                            issuer + '}');
  };
  const std::string issuer = R"("https://login.example.org")";
  EXPECT_EQ(fault(with(R"(["mail","turn"])", issuer)), "");
  for (const auto* audience : {R"("mail")", R"(["mail"])", "[]", "null", R"("turn ")", R"({"turn":1})"}) {
    EXPECT_EQ(fault(with(audience, issuer)), "jwt_audience") << audience;
  }
  for (const auto* other : {R"("https://login.example.org/")", R"(["https://login.example.org"])", "null"}) {
    EXPECT_EQ(fault(with(R"("turn")", other)), "jwt_issuer") << other;
  }
}

TEST(JwtTest, RequiredClaimsMustAllBeThere) {
  const auto wants = [](std::vector<std::pair<std::string, std::string>> required) {
    JwtRules more = rules;
    more.required = std::move(required);
    return more;
  };
  const auto token =
      sign(header, claims(R"(,"plan":"pro","roles":["caller","admin"],"scope":"read turn:use","verified":true)"));
  EXPECT_EQ(fault(token, wants({{"plan", "pro"}, {"roles", "caller"}, {"scope", "turn:use"}, {"verified", "true"}})),
            "");
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"plan", "free"},
                                                                                    {"plan", "pr"},
                                                                                    {"roles", "call"},
                                                                                    {"scope", "turn"},
                                                                                    {"verified", "false"},
                                                                                    {"level", "1"}}) {
    EXPECT_EQ(fault(token, wants({{"plan", "pro"}, {name, value}})), "jwt_claim") << name << '=' << value;
  }
}

TEST(JwtTest, TheUserIsWhatItsClaimSaysInTheCharactersOfACredential) {
  const auto user = [](const std::string& more, const std::string& claim) -> std::string {
    JwtRules other = rules;
    other.user_claim = claim;
    const auto bearer = verify_jwt(sign(header, claims(more)), keys(), other, time_now);
    return bearer ? bearer->user : std::string(fault_name(bearer.error()));
  };
  EXPECT_EQ(user(R"(,"id":"auth0|42")", "id"), "auth0=7c42");
  EXPECT_EQ(user(R"(,"id":"a=7c42")", "id"), "a=3d7c42");
  EXPECT_EQ(user(R"(,"id":"1700000000:mallory")", "id"), "1700000000=3amallory");
  EXPECT_EQ(user(R"(,"id":42)", "id"), "42");
  for (const auto* bad : {"\"\"", "null", "{}", "1.5"})
    EXPECT_EQ(user(std::string(R"(,"id":)") + bad, "id"), "jwt_user");
  EXPECT_EQ(user(R"(,"id":")" + std::string(129, 'x') + '"', "id"), "jwt_user");
  EXPECT_EQ(user("", "id"), "jwt_user");
}

TEST(JwtTest, WhatIsNoTokenOfOursIsRefused) {
  EXPECT_EQ(fault(sign(R"({"alg":"HS256","kid":"s","crit":["exp"],"exp":1})", claims())), "jwt_malformed");
  EXPECT_EQ(fault(sign(R"({"alg":"HS256","kid":"s","crit":null})", claims())), "jwt_malformed");
  EXPECT_EQ(fault(sign(R"({"alg":"HS256","kid":"s","typ":"dpop+jwt"})", claims())), "jwt_malformed");
  EXPECT_EQ(fault(sign(R"({"alg":"HS256","kid":"s","typ":"at+JWT"})", claims())), "");
  EXPECT_EQ(fault(sign(R"({"alg":"HS256","kid":7})", claims())), "jwt_malformed");
  EXPECT_EQ(fault(sign(R"({"alg":["HS256"],"kid":"s"})", claims())), "jwt_malformed");
  EXPECT_EQ(fault(sign(R"(["HS256"])", claims())), "jwt_malformed");
  EXPECT_EQ(fault(sign(header, "[]")), "jwt_malformed");
  EXPECT_EQ(fault(sign(header, "{")), "jwt_malformed");
  for (const auto* text : {"", ".", "..", "...", "a.b", "a.b.c.d", "a b.c.d", "ey=.e.e", "\xff.a.b"}) {
    EXPECT_EQ(fault(text), "jwt_malformed") << text;
  }
  EXPECT_FALSE(looks_like_jwt(sign(header, claims(R"(,"x":")" + std::string(8192, 'x') + '"'))));
}

TEST(JwkSetTest, AWeakOrMalformedKeyIsAnErrorAndAForeignOneIsPassedOver) {
  const auto problem = [](const std::string& jwk, JwkSet::Secrets secrets = JwkSet::Secrets::allowed) {
    const auto set = JwkSet::parse(R"({"keys":[)" + jwk + "]}", secrets);
    return set ? "" : set.error().message;
  };
  EXPECT_NE(problem(R"({"kty":"oct","k":"c2hvcnQ"})").find("shorter than 32"), std::string::npos);
  EXPECT_NE(
      problem(R"({"kty":"oct","k":")" + base64url(secret) + R"("})", JwkSet::Secrets::refused).find("shared secret"),
      std::string::npos)
      << "a secret that a URL serves is none";
  EXPECT_NE(problem(R"({"kty":"RSA","n":")" + base64url(std::string(128, '\xff')) + R"(","e":"AQAB"})").find("2048"),
            std::string::npos);
  EXPECT_NE(problem(R"({"kty":"RSA","n":")" + base64url(std::string(2048, '\xff')) + R"(","e":"AQAB"})").find("8192"),
            std::string::npos);
  EXPECT_NE(problem(R"({"kty":"EC","crv":"P-256","x":")" + base64url(std::string(32, 'x')) + R"(","y":")" +
                    base64url(std::string(32, 'y')) + R"("})")
                .find("no valid public key"),
            std::string::npos)
      << "a point that is not on the curve";
  EXPECT_NE(problem(R"({"kty":"OKP","crv":"Ed25519","x":"AA"},{"kty":"EC","crv":"P-384"},{"kty":"oct","use":"enc"},
                       {"kty":"oct","alg":"HS512"},{"kty":"oct","key_ops":["sign"]},7)")
                .find("no key for"),
            std::string::npos);
  EXPECT_EQ(problem(std::string(ec_jwk) + R"(,{"kty":"OKP","crv":"Ed25519","x":"AA"})"), "");
  for (const auto* text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":"x"})", "\xff"}) {
    EXPECT_FALSE(JwkSet::parse(text, JwkSet::Secrets::allowed)) << text;
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace turnkeeper::monitor
