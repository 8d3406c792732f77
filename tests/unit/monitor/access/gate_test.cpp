#include "monitor/access/gate.hpp"

#include <gtest/gtest.h>

#include "signed_tokens.hpp"

namespace turnkeeper::monitor {
namespace {

using std::chrono::seconds;

Presented with_key(const std::string& key, const std::string& address = "192.0.2.1:4000") {
  return {.key = Secret(key), .address = address};
}

ApiKeys keys(const std::string& text) {
  auto parsed = ApiKeys::parse(text);
  EXPECT_TRUE(parsed) << parsed.error().text();
  return parsed.value_or(ApiKeys());
}

// "200", or why not.
std::string outcome(const Gate& gate, const Presented& presented) {
  const auto caller = gate.admit(presented);
  return caller ? "200" : std::to_string(caller.error().status) + ' ' + caller.error().reason;
}

TEST(GateTest, WhoHasTheKeyGetsInAndNobodyElse) {
  const Gate gate({.key = Secret("open sesame"), .anonymous = true});
  EXPECT_TRUE(gate.admit(with_key("open sesame")));
  for (const auto* wrong : {"", "open", "open sesame ", " open sesame"}) {
    const auto refused = gate.admit(with_key(wrong));
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().status, 401);
    EXPECT_EQ(refused.error().error.text().find("open sesame"), std::string::npos);
  }
}

TEST(GateTest, WithoutAKeyStrangersGetInOnlyWhereThatWasAllowed) {
  const auto caller = Gate({.anonymous = true}).admit(with_key(""));
  ASSERT_TRUE(caller);
  EXPECT_TRUE(caller->anonymous);
  EXPECT_EQ(outcome(Gate({.anonymous = false}), with_key("anything")), "401 closed");
}

TEST(GateTest, AnEmptyFileOfKeysLetsNobodyIn) {
  Gate gate({.anonymous = true});
  gate.set_keys({});
  EXPECT_FALSE(gate.open());
  EXPECT_EQ(outcome(gate, with_key("")), "401 missing");
  EXPECT_EQ(outcome(gate, with_key("anything")), "401 unknown");
}

TEST(GateTest, AKeyIsGoodUntilItExpiresOrIsTakenOut) {
  ManualClock clock;
  Gate gate({}, clock);
  const auto expires = clock.system() + seconds(100);
  gate.set_keys(keys(key_line({.name = "shop", .user = "till-1", .expires = expires}, Secret("a")) + '\n' +
                     key_line({.name = "web"}, Secret("b"))));
  const auto shop = gate.admit(with_key("a"));
  const auto web = gate.admit(with_key("b"));
  ASSERT_TRUE(shop && web);
  EXPECT_EQ(shop->name, "shop");
  EXPECT_EQ(shop->user, "till-1");
  EXPECT_EQ(web->user, std::nullopt);
  EXPECT_TRUE(gate.still_admits(*shop));
  clock.advance(seconds(100));
  EXPECT_EQ(outcome(gate, with_key("a")), "401 expired");
  EXPECT_FALSE(gate.still_admits(*shop)) << "a stream outlives the key it was opened with";
  EXPECT_TRUE(gate.still_admits(*web));
  // Replaced: the new key bears the same name.
  gate.set_keys(keys(key_line({.name = "web"}, Secret("c"))));
  EXPECT_EQ(outcome(gate, with_key("b")), "401 unknown");
  EXPECT_EQ(outcome(gate, with_key("c")), "200");
  EXPECT_FALSE(gate.still_admits(*web));
}

TEST(GateTest, WhateverIsWrongWithAKeyTheAnswerIsTheSame) {
  ManualClock clock;
  Gate gate({}, clock);
  gate.set_keys(keys(key_line({.name = "old", .expires = clock.system()}, Secret("expired"))));
  gate.set_jwt_rules({.audience = "turn", .required = {}});
  gate.set_jwt_keys(*JwkSet::parse(std::string(R"({"keys":[)") + ec_jwk + "]}", JwkSet::Secrets::refused));
  const auto unknown = gate.admit(with_key("unknown")).error();
  for (const std::string& other : {std::string("expired"), std::string(rs256_token), std::string("a.b.c")}) {
    const auto refused = gate.admit(with_key(other)).error();
    EXPECT_EQ(refused.status, unknown.status) << other;
    EXPECT_EQ(refused.error, unknown.error) << other;
    EXPECT_NE(refused.reason, unknown.reason) << "the metric tells them apart";
  }
}

TEST(GateTest, ATokenGivesCredentialsForItsUserAlone) {
  ManualClock clock;
  int asked = 0;
  bool fetching = true;
  Gate gate({.on_unknown_key = [&] { return ++asked, fetching; }}, clock);
  gate.set_jwt_rules({.audience = "turn", .required = {}});
  const auto waits = gate.admit(with_key(rs256_token));
  ASSERT_FALSE(waits);
  EXPECT_EQ(waits.error().status, 503) << "its key may come with the next fetch";
  EXPECT_EQ(waits.error().retry_after, seconds(1));
  fetching = false;
  EXPECT_EQ(outcome(gate, with_key(rs256_token)), "503 jwt_keys_awaited")
      << "the issuer is away, which is no fault of the client";
  EXPECT_EQ(asked, 2);
  gate.set_jwt_keys(*JwkSet::parse(std::string(R"({"keys":[)") + rsa_jwk + "]}", JwkSet::Secrets::refused));
  EXPECT_EQ(outcome(gate, with_key(es256_token)), "401 jwt_unknown_key");
  fetching = true;
  EXPECT_EQ(outcome(gate, with_key(es256_token)), "503 jwt_keys_awaited");
  fetching = false;
  const auto caller = gate.admit(with_key(rs256_token));
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->user, "alice");
  EXPECT_EQ(caller->name, "jwt:alice");
  EXPECT_EQ(outcome(gate, with_key("")), "401 missing");
  EXPECT_EQ(outcome(gate, with_key(confused_token)), "401 jwt_unknown_key");
  EXPECT_TRUE(gate.still_admits(*caller));
  clock.advance(std::chrono::hours(24 * 365 * 80));
  EXPECT_FALSE(gate.still_admits(*caller));
  EXPECT_EQ(outcome(gate, with_key(rs256_token)), "401 jwt_expired");
}

TEST(GateTest, ACallerHasItsOwnLimitAndAnAddressToo) {
  ManualClock clock;
  Gate gate({.per_caller = Rate{.per_second = 1, .burst = 2}, .per_address = Rate{.per_second = 1, .burst = 3}}, clock);
  gate.set_keys(keys(key_line({.name = "a"}, Secret("a")) + '\n' + key_line({.name = "b"}, Secret("b"))));
  EXPECT_EQ(outcome(gate, with_key("a")), "200");
  EXPECT_EQ(outcome(gate, with_key("a")), "200");
  const auto limited = gate.admit(with_key("a"));
  ASSERT_FALSE(limited);
  EXPECT_EQ(limited.error().status, 429);
  EXPECT_EQ(limited.error().reason, "caller_limit");
  EXPECT_EQ(limited.error().retry_after, seconds(1));
  EXPECT_EQ(outcome(gate, with_key("b")), "429 address_limit");
  EXPECT_EQ(outcome(gate, with_key("b", "192.0.2.2:4000")), "200");
  clock.advance(seconds(1));
  EXPECT_EQ(outcome(gate, with_key("a")), "200");
}

TEST(GateTest, WhoGuessesIsSlowedDownAndAGoodKeyBehindTheSameProxyIsNot) {
  ManualClock clock;
  Gate gate({}, clock);
  gate.set_keys(keys(key_line({.name = "a"}, Secret("a"))));
  gate.set_jwt_rules({.audience = "turn", .required = {}});
  gate.set_jwt_keys(*JwkSet::parse(std::string(R"({"keys":[)") + rsa_jwk + "]}", JwkSet::Secrets::refused));
  for (int i = 0; i < 30; ++i) EXPECT_EQ(outcome(gate, with_key("guess")), "401 unknown");
  const auto slowed = gate.admit(with_key("guess"));
  ASSERT_FALSE(slowed);
  EXPECT_EQ(slowed.error().status, 429);
  EXPECT_EQ(slowed.error().retry_after, seconds(2));
  EXPECT_EQ(outcome(gate, with_key(rs256_token)), "429 guesses") << "no signature is computed for it";
  EXPECT_EQ(outcome(gate, with_key("a")), "200");
  EXPECT_EQ(outcome(gate, with_key("guess", "192.0.2.2:1")), "401 unknown");
  EXPECT_EQ(outcome(gate, with_key("")), "401 missing") << "who shows nothing does not guess";
  clock.advance(seconds(2));
  EXPECT_EQ(outcome(gate, with_key(rs256_token)), "200");
  EXPECT_EQ(outcome(gate, with_key("guess")), "401 unknown");
  EXPECT_EQ(outcome(gate, with_key("guess")), "429 guesses");
}

TEST(GateTest, WhoGuessesAtCredentialsThatProveThemselvesIsSlowedDownToo) {
  ManualClock clock;
  const Gate gate({.per_address = Rate{.per_second = 100, .burst = 40}}, clock);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(gate.admit_if(with_key("?"), [] { return false; }).error().reason, "unknown");
  const auto never = [] {
    ADD_FAILURE() << "looked at all the same";
    return true;
  };
  EXPECT_EQ(gate.admit_if(with_key("?"), never).error().status, 429);
  EXPECT_TRUE(gate.admit_if(with_key("?", "192.0.2.2:1"), [] { return true; }));
  for (int i = 0; i < 9; ++i) (void)gate.admit_if(with_key("?"), never);
  EXPECT_EQ(gate.admit_if(with_key("?"), never).error().reason, "address_limit");
}

TEST(GateTest, EachRefusalIsCountedOnceWithItsReason) {
  std::vector<std::string> reasons;
  const Gate gate({.key = Secret("k"),
                   .per_address = Rate{.per_second = 1, .burst = 3},
                   .on_refused = [&](std::string_view reason) { reasons.emplace_back(reason); }});
  (void)gate.admit(with_key("k"));
  (void)gate.admit(with_key("x"));
  (void)gate.admit(with_key(""));
  (void)gate.admit(with_key("k"));
  EXPECT_EQ(reasons, (std::vector<std::string>{"unknown", "missing", "address_limit"}));
}

TEST(GateTest, OnlyWhatThisMachineAloneReachesIsLoopback) {
  for (const auto* address : {"127.0.0.1:8480", "127.1.2.3:0", "[::1]:80", "localhost:80", "unix:/run/m.sock"}) {
    EXPECT_TRUE(is_loopback(address)) << address;
  }
  for (const auto* address : {"0.0.0.0:8480", "[::]:80", "192.0.2.1:80", "[::12]:80", "localhost.example.org:80"}) {
    EXPECT_FALSE(is_loopback(address)) << address;
  }
}

}  // namespace
}  // namespace turnkeeper::monitor
