// Requests and answers as the vendors document them.
#include "monitor/provider/vendors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/provider/provider_config.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using Type = ProviderConfig::Type;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const SystemTime now{1'700'000'000s};

ProviderConfig config(Type type) {
  return {.name = "p", .type = type, .account = "AC00", .secret = Secret("s/1"), .ttl = 2h};
}
Result<Provided> read(Type type, std::string body, int status = 200) {
  return read_answer(config(type), {.status = status, .reason = "X", .body = std::move(body)}, now);
}
std::vector<std::string> urls(const Provided::Server& server) {
  std::vector<std::string> texts;
  for (const auto& uri : server.uris) texts.push_back(uri.to_string());
  return texts;
}
std::string header(const rest::Request& request, const std::string& name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value.reveal();
  }
  return {};
}

TEST(Vendors, TurnRestIsAskedByQueryAndAnswersOneServer) {
  auto own = config(Type::turn_rest);
  own.url = "https://turn.example.org/creds";
  own.user = "al ice";
  EXPECT_EQ(provider_request(own).url.reveal(),
            "https://turn.example.org/creds?service=turn&username=al%20ice&key=s%2F1");
  const auto provided = read(Type::turn_rest, R"({"username": "1700086400:alice", "password": "pw", "ttl": 86400,
    "uris": ["turn:1.2.3.4:9991?transport=udp", "turn:1.2.3.4:9992?transport=tcp", "turns:1.2.3.4:443?transport=tcp"]})");
  ASSERT_TRUE(provided) << provided.error().text();
  ASSERT_EQ(provided->servers.size(), 1U);
  EXPECT_THAT(urls(provided->servers[0]),
              ElementsAre("turn:1.2.3.4:9991?transport=udp", "turn:1.2.3.4:9992?transport=tcp",
                          "turns:1.2.3.4:443?transport=tcp"));
  EXPECT_EQ(provided->servers[0].username, "1700086400:alice");
  EXPECT_EQ(provided->servers[0].password.reveal(), "pw");
  EXPECT_EQ(provided->expires, now + 24h);
}

TEST(Vendors, TwilioIsPostedToWithBasicAuthAndItsTtlIsAText) {
  const auto request = provider_request(config(Type::twilio));
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url.reveal(), "https://api.twilio.com/2010-04-01/Accounts/AC00/Tokens.json");
  EXPECT_EQ(header(request, "Authorization"), "Basic QUMwMDpzLzE=");  // AC00:s/1
  EXPECT_EQ(request.body, "Ttl=7200");
  auto days = config(Type::twilio);
  days.ttl = 48h;
  EXPECT_EQ(provider_request(days).body, "Ttl=86400") << "more is refused";
  const auto provided = read(Type::twilio, R"({"username": "u", "password": "p", "ttl": "3600", "account_sid": "AC00",
    "ice_servers": [{"url": "stun:global.stun.twilio.com:3478", "urls": "stun:global.stun.twilio.com:3478"},
      {"url": "turn:global.turn.twilio.com:3478?transport=udp", "username": "u", "credential": "p",
       "urls": "turn:global.turn.twilio.com:3478?transport=udp"},
      {"urls": "turn:global.turn.twilio.com:443?transport=tcp", "username": "u", "credential": "p"}]})",
                             201);
  ASSERT_TRUE(provided) << provided.error().text();
  ASSERT_EQ(provided->servers.size(), 1U);
  EXPECT_THAT(urls(provided->servers[0]), ElementsAre("turn:global.turn.twilio.com:3478?transport=udp",
                                                      "turn:global.turn.twilio.com:443?transport=tcp"));
  EXPECT_EQ(provided->expires, now + 1h);
}

TEST(Vendors, MeteredAnswersABareListOfSeveralHosts) {
  auto own = config(Type::metered);
  own.url = "https://app.metered.live/";
  own.region = "europe";
  EXPECT_EQ(provider_request(own).url.reveal(),
            "https://app.metered.live/api/v1/turn/credentials?apiKey=s%2F1&region=europe");
  const auto provided = read(Type::metered, R"([{"urls": "stun:stun.example.org:80"},
    {"urls": "turn:a.example.org:80", "username": "u", "credential": "p"},
    {"urls": "turns:b.example.org:443?transport=tcp", "username": "u", "credential": "p"}])");
  ASSERT_TRUE(provided) << provided.error().text();
  ASSERT_EQ(provided->servers.size(), 2U) << "one relay for each host";
  EXPECT_THAT(urls(provided->servers[0]), ElementsAre("turn:a.example.org:80?transport=udp"));
  EXPECT_EQ(provided->expires, now + 2h);
}

TEST(Vendors, XirsysIsPutToAndRefusesWith200) {
  auto own = config(Type::xirsys);
  own.channel = "calls";
  const auto request = provider_request(own);
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.url.reveal(), "https://global.xirsys.net/_turn/calls");
  EXPECT_EQ(request.body, R"({"expire":"7200","format":"urls"})");
  const auto provided = read(Type::xirsys, R"({"v": {"iceServers": {"username": "u", "credential": "p",
    "urls": ["stun:fr-turn1.example.org", "turn:fr-turn1.example.org:80?transport=udp"]}}, "s": "ok"})");
  ASSERT_TRUE(provided) << provided.error().text();
  EXPECT_THAT(urls(provided->servers.at(0)), ElementsAre("turn:fr-turn1.example.org:80?transport=udp"));
  const auto old = read(Type::xirsys, R"({"v": {"iceServers": [{"url": "stun:x.example.org"},
    {"url": "turn:x.example.org:80?transport=udp", "username": "u", "credential": "p"}]}, "s": "ok"})");
  ASSERT_TRUE(old) << "the form without `format`";
  EXPECT_THAT(read(Type::xirsys, R"({"v": "unauthorized", "s": "error"})").error().message, HasSubstr("unauthorized"));
}

TEST(Vendors, CloudflareIsPostedToWithABearerToken) {
  const auto request = provider_request(config(Type::cloudflare));
  EXPECT_EQ(request.url.reveal(), "https://rtc.live.cloudflare.com/v1/turn/keys/AC00/credentials/generate-ice-servers");
  EXPECT_EQ(header(request, "Authorization"), "Bearer s/1");
  EXPECT_EQ(request.body, R"({"ttl":7200})");
  const auto provided = read(Type::cloudflare, R"({"iceServers": [{"urls": ["stun:stun.cloudflare.com:3478"]},
    {"urls": ["turn:turn.cloudflare.com:3478?transport=udp", "turns:turn.cloudflare.com:5349?transport=tcp"],
     "username": "u", "credential": "p"}]})",
                             201);
  ASSERT_TRUE(provided) << provided.error().text();
  EXPECT_EQ(provided->servers.at(0).uris.size(), 2U);
  EXPECT_EQ(provided->expires, now + 2h);
}

TEST(Vendors, ARefusalSaysWhatTheApiSaidAndNotTheKey) {
  const auto refused = read(Type::metered, R"({"error": "Invalid API Key"})", 401);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text(), HasSubstr("metered p: the API answered 401 X: {\"error\": \"Invalid API Key\"}"));
  EXPECT_THAT(refused.error().text(), Not(HasSubstr("s/1")));
  EXPECT_FALSE(refused.error().advice.empty());
}

TEST(Vendors, ALifeWithoutEndEndsAfterAYear) {
  const auto provided = read(Type::turn_rest, R"({"username": "u", "password": "p", "ttl": 9223372036854775807,
    "uris": ["turn:a.example.org"]})");
  ASSERT_TRUE(provided) << provided.error().text();
  EXPECT_EQ(provided->expires, now + 366 * 24h);
}

TEST(Vendors, AnAnswerThatMakesNoSenseIsAnErrorForEachOfThem) {
  for (const auto& [name, type] : provider_types) {
    for (const char* body :
         {"", "<html>", "null", "[]", "{}", "[[]]", R"({"v": 1, "s": "ok"})",
          R"({"ice_servers": "x", "iceServers": 3, "uris": {}, "username": 1})",
          R"([{"urls": "turn:", "username": "u", "credential": "p"}])", R"([{"urls": "turn:a.example.org"}])"}) {
      EXPECT_FALSE(read(type, body)) << name << ": " << body;
    }
  }
}

}  // namespace
}  // namespace turnkeeper::monitor
