// Each API by the requests and answers that its vendor documents.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "monitor/shape/metered.hpp"
#include "monitor/shape/shape.hpp"
#include "monitor/shape/turn_rest.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::monitor {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const SystemTime kNow{seconds(1'588'297'377)};  // Fri, 01 May 2020 01:42:57 GMT

const Shape& shape_at(std::string_view method, std::string_view path) {
  for (const auto& shape : shapes()) {
    if (shape.method == method && std::ranges::count(shape.paths, path) == 1) return shape;
  }
  ADD_FAILURE() << "no shape at " << method << ' ' << path;
  return shapes().front();
}

IceConfig two_relays() {
  return {.servers = {{.urls = {"turn:a.test:3478?transport=udp", "turns:a.test:443?transport=tcp"},
                       .username = "1588300977:app",
                       .credential = Secret("pw="),
                       .relay = "a",
                       .region = "eu"},
                      {.urls = {"turn:b.test:3478?transport=udp"},
                       .username = "1588300977:app",
                       .credential = Secret("pw="),
                       .relay = "b",
                       .region = "us"},
                      {.urls = {"turn:c.test:3478?transport=udp"},
                       .username = "theirs",
                       .credential = Secret("fixed"),
                       .relay = "c",
                       .region = "us"},
                      {.urls = {"stun:s.test:3478"}}},
          .expires = kNow + seconds(3600),
          .refresh_at = kNow + seconds(2700),
          .cluster = "calls",
          .region = "eu",
          .served_by = "eu"};
}

struct Sent {
  std::string method = "GET";
  std::string pattern;
  std::string query = {};
  std::string body = {};
  std::string authorization = {};
  std::vector<std::pair<std::string, std::string>> parameters = {};
};

http::Request request_of(const Sent& sent) {
  http::Request request;
  request.method = sent.method;
  request.query = *http::parse_query(sent.query);
  request.body = sent.body;
  if (!sent.authorization.empty()) request.headers = {{"authorization", sent.authorization}};
  request.parameters = {sent.parameters.begin(), sent.parameters.end()};
  return request;
}

tl::expected<Ask, Trouble> ask(const Sent& sent) {
  return shape_at(sent.method, sent.pattern).read(request_of(sent));
}

http::Response answer(const Sent& sent, const IceConfig& config = two_relays()) {
  const auto asked = ask(sent);
  if (!asked) {
    ADD_FAILURE() << asked.error().error.text();
    return {};
  }
  return asked->answer(config, kNow);
}

http::Response refused(const Sent& sent, const Trouble& trouble) {
  return shape_at(sent.method, sent.pattern).refuse(trouble);
}

std::string header(const http::Response& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

const Sent twilio{.method = "POST",
                  .pattern = "/2010-04-01/Accounts/{account}/Tokens.json",
                  .body = "Ttl=3600",
                  .authorization = "Basic " + base64_encode("AC1:key"),
                  .parameters = {{"account", "AC1"}}};
const Sent xirsys{.method = "PUT",
                  .pattern = "/_turn/{channel}",
                  .body = R"({"format":"urls","expire":"1800"})",
                  .authorization = "Basic " + base64_encode("ident:key"),
                  .parameters = {{"channel", "MyApp"}}};
const Sent metered{.pattern = "/api/v1/turn/credentials", .query = "apiKey=key&region=north_america"};
const Sent metered_create{.method = "POST",
                          .pattern = "/api/v1/turn/credential",
                          .query = "secretKey=key",
                          .body = R"({"expiryInSeconds":3600,"label":"x"})"};
const Sent cloudflare{.method = "POST",
                      .pattern = "/v1/turn/keys/{id}/credentials/generate-ice-servers",
                      .body = R"({"ttl":86400,"customIdentifier":"user4"})",
                      .authorization = "Bearer key",
                      .parameters = {{"id", "k1"}}};
const Sent stunner{.pattern = "/ice", .query = "service=turn&username=my-user&ttl=3600&key=key"};
const Sent turn_rest{.pattern = "/turn", .query = "service=turn&username=mbzrxpgjys&key=key"};
const Sent device{.pattern = "/api/turn/credentials", .query = "device_id=robot-7", .authorization = "Bearer key"};
const Sent native{.pattern = "/v1/ice", .query = "user=alice&ttl=600", .authorization = "Bearer key"};

const std::vector<Sent>& every_one() {
  static const std::vector<Sent> all{twilio,  xirsys,    metered, metered_create, cloudflare,
                                     stunner, turn_rest, device,  native};
  return all;
}

TEST(Shapes, ShowTheGateTheKeyOfTheirVendor) {
  for (const auto& sent : every_one()) {
    const auto& shape = shape_at(sent.method, sent.pattern);
    EXPECT_EQ(shape.key(request_of(sent)).reveal(), "key") << sent.pattern;
    EXPECT_TRUE(shape.key(http::Request{}).empty()) << sent.pattern;
  }
}

TEST(Shapes, AreNotKeptByCachesAndAreReadable) {
  for (const auto& sent : every_one()) {
    const auto response = answer(sent);
    EXPECT_EQ(header(response, "Cache-Control"), "no-store") << sent.pattern;
    EXPECT_TRUE(json::accept(response.body)) << response.body;
  }
}

TEST(Shapes, AnswerEvenWhenThereIsNoRelay) {
  const IceConfig stun_only{.servers = {{.urls = {"stun:s.test:3478"}}}, .expires = kNow};
  const std::set<std::string> need_a_relay{turn_rest.pattern, device.pattern, metered_create.pattern};
  for (const auto& sent : every_one()) {
    const auto response = answer(sent, stun_only);
    EXPECT_EQ(response.status == 503, need_a_relay.contains(sent.pattern)) << sent.pattern;
    EXPECT_TRUE(json::accept(response.body)) << response.body;
    (void)answer(sent, IceConfig{.expires = kNow});
  }
}

TEST(Shapes, PassOnHowLongToWait) {
  for (const auto& sent : every_one()) {
    const auto response = refused(sent, {.status = 429, .error = {"slower", ""}, .retry_after = seconds(7)});
    EXPECT_EQ(response.status, 429) << sent.pattern;
    EXPECT_EQ(header(response, "Retry-After"), "7") << sent.pattern;
  }
}

TEST(Twilio, IsAnsweredAsTheHelperLibrariesReadIt) {
  const auto asked = ask(twilio);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->request.ttl, seconds(3600));
  EXPECT_EQ(asked->cluster_hint, "AC1");
  EXPECT_FALSE(asked->must_name_user);
  const auto response = answer(twilio);
  EXPECT_EQ(response.status, 201);
  const auto body = json::parse(response.body);
  EXPECT_EQ(body["ttl"], "3600") << "a text, and what is really left";
  EXPECT_EQ(body["account_sid"], "AC1");
  EXPECT_EQ(body["username"], "1588300977:app");
  EXPECT_EQ(body["password"], "pw=");
  EXPECT_EQ(body["date_created"], "Fri, 01 May 2020 01:42:57 +0000");
  EXPECT_EQ(body["date_updated"], body["date_created"]);
  ASSERT_EQ(body["ice_servers"].size(), 5) << "one for each URL";
  EXPECT_EQ(body["ice_servers"][0], (json{{"url", "turn:a.test:3478?transport=udp"},
                                          {"urls", "turn:a.test:3478?transport=udp"},
                                          {"username", "1588300977:app"},
                                          {"credential", "pw="}}));
  EXPECT_EQ(body["ice_servers"][4], (json{{"url", "stun:s.test:3478"}, {"urls", "stun:s.test:3478"}}));
}

TEST(Twilio, GivesADayAtMost) {
  auto sent = twilio;
  sent.body = "Ttl=999999999";
  EXPECT_EQ(ask(sent)->request.ttl, seconds(86'400));
  sent.body = "";
  EXPECT_EQ(ask(sent)->request.ttl, seconds(86'400));
  sent.body = "Other=+%20";
  EXPECT_TRUE(ask(sent));
  for (const char* body : {"Ttl=", "Ttl=0", "Ttl=-5", "Ttl=x", "Ttl=%zz"}) {
    sent.body = body;
    EXPECT_FALSE(ask(sent)) << body;
  }
}

TEST(Twilio, RefusesWithItsCodes) {
  const auto response = refused(twilio, {.status = 401, .error = {"the API key is not the right one", ""}});
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(json::parse(response.body), (json{{"code", 20003},
                                              {"message", "Authenticate"},
                                              {"more_info", "https://www.twilio.com/docs/errors/20003"},
                                              {"status", 401}}));
  EXPECT_THAT(header(response, "WWW-Authenticate"), HasSubstr("Basic"));
  EXPECT_EQ(json::parse(refused(twilio, {.status = 429}).body)["code"], 20429);
  EXPECT_EQ(json::parse(refused(twilio, {.status = 404}).body)["code"], 20404);
}

TEST(Xirsys, HasOneObjectWithUrlsOrAnArrayWithout) {
  EXPECT_EQ(ask(xirsys)->request.ttl, seconds(1800));
  EXPECT_EQ(ask(xirsys)->cluster_hint, "MyApp");
  EXPECT_EQ(json::parse(answer(xirsys).body),
            (json{{"v",
                   {{"iceServers",
                     {{"username", "1588300977:app"},
                      {"urls",
                       {"stun:s.test:3478", "turn:a.test:3478?transport=udp", "turns:a.test:443?transport=tcp",
                        "turn:b.test:3478?transport=udp"}},
                      {"credential", "pw="}}}}},
                  {"s", "ok"}}));
  auto sent = xirsys;
  sent.body = "";
  const auto body = json::parse(answer(sent).body);
  ASSERT_EQ(body["v"]["iceServers"].size(), 5);
  EXPECT_EQ(body["v"]["iceServers"][4], (json{{"url", "stun:s.test:3478"}}));
  EXPECT_EQ(body["v"]["iceServers"][3]["username"], "theirs") << "each with its own credential";
}

TEST(Xirsys, RefusesWithStatus200) {
  for (const int status : {401, 403}) {
    const auto response = refused(xirsys, {.status = status});
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, R"({"v":"unauthorized","s":"error"})");
  }
  EXPECT_EQ(refused(xirsys, {.status = 404}).body, R"({"v":"no_namespace","s":"error"})");
  EXPECT_EQ(refused(xirsys, {.status = 503}).status, 503);
}

TEST(Metered, IsABareArrayOfSingleUrls) {
  const auto asked = ask(metered);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->request.region, "");
  EXPECT_EQ(asked->region_hint, "north_america") << "its regions need not be ours";
  const auto body = json::parse(answer(metered).body);
  ASSERT_EQ(body.size(), 5);
  EXPECT_EQ(body[0], (json{{"urls", "stun:s.test:3478"}}));
  EXPECT_EQ(body[1],
            (json{{"urls", "turn:a.test:3478?transport=udp"}, {"username", "1588300977:app"}, {"credential", "pw="}}));
}

TEST(Metered, RefusesAsItsDocumentsSay) {
  const auto missing = refused(metered, {.status = 401, .no_key = true});
  EXPECT_EQ(missing.status, 400);
  EXPECT_EQ(missing.body, R"({"error":"Please specify API Key"})");
  const auto wrong = refused(metered, {.status = 401});
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.body, R"({"error":"Invalid API Key"})");
  EXPECT_EQ(refused(metered_create, {.status = 401}).body, R"({"message":"Invalid secret key"})");
  auto sent = metered_create;
  for (const char* body :
       {R"({"expiryInSeconds":-1})", R"({"expiryInSeconds":"soon"})", R"({"expiryInSeconds":1.5})"}) {
    sent.body = body;
    const auto asked = ask(sent);
    ASSERT_FALSE(asked) << body;
    const auto response = refused(sent, asked.error());
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.body, R"({"message":"please enter a positive integer value for expiryInSeconds"})");
  }
}

TEST(Metered, TheKeyThatItCreatesIsTheCredentialAndNotTheSecretKey) {
  const auto body = json::parse(answer(metered_create).body);
  EXPECT_EQ(body["username"], "1588300977:app");
  EXPECT_EQ(body["password"], "pw=");
  EXPECT_EQ(body["expiryInSeconds"], 3600);
  EXPECT_EQ(body["label"], "x");
  const auto issued = issued_credential(body["apiKey"].get<std::string>());
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->username, "1588300977:app");
  EXPECT_EQ(issued->password.reveal(), "pw=");
  EXPECT_EQ(issued->user, "app");
  EXPECT_EQ(issued->expires, kNow + seconds(3600));
  for (const char* key : {"", "key", "turn.", "turn.zz", "turn.6", "turn.616263", "turn.613a62"}) {
    EXPECT_FALSE(issued_credential(key)) << key;
  }
  EXPECT_FALSE(issued_credential(api_key_of({.urls = {}, .username = "theirs", .password = Secret("fixed")})))
      << "a password that does not change is no key to hand to browsers";
}

TEST(Cloudflare, HasItsEnvelope) {
  const auto asked = ask(cloudflare);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->request.ttl, seconds(86'400));
  EXPECT_EQ(asked->request.user, "user4");
  EXPECT_EQ(asked->cluster_hint, "k1");
  const auto response = answer(cloudflare);
  EXPECT_EQ(response.status, 201);
  const auto body = json::parse(response.body);
  ASSERT_EQ(body["iceServers"].size(), 4);
  EXPECT_EQ(body["iceServers"][0], (json{{"urls", {"stun:s.test:3478"}}}));
  EXPECT_EQ(body["iceServers"][1]["urls"][1], "turns:a.test:443?transport=tcp");
  const auto refusal = refused(cloudflare, {.status = 401});
  EXPECT_EQ(refusal.status, 401);
  EXPECT_EQ(json::parse(refusal.body)["errors"][0]["code"], 10000);
  EXPECT_EQ(json::parse(refusal.body)["success"], false);
}

TEST(Cloudflare, RefusesWhatItCannotGive) {
  auto sent = cloudflare;
  sent.body = R"({"ttl":172801})";
  EXPECT_FALSE(ask(sent));
  sent.body = "";
  EXPECT_EQ(ask(sent)->request.ttl, seconds(172'800));
  sent.pattern = "/v1/turn/keys/{id}/credentials/{username}/revoke";
  const auto asked = ask(sent);
  ASSERT_FALSE(asked) << "it must not pretend that a credential was taken back";
  EXPECT_EQ(asked.error().status, 501);
  EXPECT_THAT(refused(sent, asked.error()).body, HasSubstr("rotate"));
}

TEST(Cloudflare, SpeaksItsOlderFormToo) {
  auto sent = cloudflare;
  sent.pattern = "/v1/turn/keys/{id}/credentials/generate";
  const auto body = json::parse(answer(sent).body);
  EXPECT_EQ(body["iceServers"]["username"], "1588300977:app");
  EXPECT_EQ(body["iceServers"]["urls"][0], "stun:s.test:3478");
}

TEST(Stunner, IsAnsweredFieldByFieldAsItsOpenApiSays) {
  const auto asked = ask(stunner);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->request.user, "my-user");
  EXPECT_EQ(asked->request.ttl, seconds(3600));
  const auto body = json::parse(answer(stunner).body);
  EXPECT_EQ(body["iceTransportPolicy"], "all");
  EXPECT_EQ(body["iceServers"][0],
            (json{{"username", "1588300977:app"},
                  {"credential", "pw="},
                  {"urls", {"turn:a.test:3478?transport=udp", "turns:a.test:443?transport=tcp"}}}));
  EXPECT_EQ(body["iceServers"][3], (json{{"urls", {"stun:s.test:3478"}}}));
}

TEST(Stunner, TakesItsFilters) {
  auto sent = stunner;
  sent.query =
      "service=turn&namespace=stunner&gateway=udp&listener=eu&iceTransportPolicy=relay&public-addr=203.0.113.9";
  const auto asked = ask(sent);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->cluster_hint, "stunner/udp");
  EXPECT_EQ(asked->region_hint, "eu");
  EXPECT_TRUE(asked->request.relay_only);
  const auto body = answer(sent).body;
  EXPECT_EQ(json::parse(body)["iceTransportPolicy"], "relay");
  EXPECT_THAT(body, Not(HasSubstr("203.0.113.9"))) << "an address that nobody proved";
  for (const char* query : {"service=stun", "iceTransportPolicy=none", "ttl=soon"}) {
    sent.query = query;
    const auto refusal = ask(sent);
    ASSERT_FALSE(refusal) << query;
    EXPECT_EQ(refused(sent, refusal.error()).status, 400);
    EXPECT_THAT(refused(sent, refusal.error()).content_type, HasSubstr("text/plain"));
  }
}

TEST(Stunner, EscapesWhatASecretMayHold) {
  auto config = two_relays();
  config.servers[2].credential = Secret("a\"b\\c\n\x01");
  const auto body = json::parse(answer(stunner, config).body);
  EXPECT_EQ(body["iceServers"][2]["credential"], "a\"b\\c\n\x01");
}

TEST(TurnRest, IsAnsweredAsTheDraftSays) {
  EXPECT_EQ(ask(turn_rest)->request.user, "mbzrxpgjys");
  EXPECT_EQ(
      json::parse(answer(turn_rest).body),
      (json{{"username", "1588300977:app"},
            {"password", "pw="},
            {"ttl", 3600},
            {"uris",
             {"turn:a.test:3478?transport=udp", "turns:a.test:443?transport=tcp", "turn:b.test:3478?transport=udp"}}}))
      << "only what this credential is good for";
  auto sent = turn_rest;
  sent.query = "service=stun";
  EXPECT_FALSE(ask(sent));
  EXPECT_TRUE(is_turn_rest(request_of(turn_rest)));
  EXPECT_FALSE(is_turn_rest(http::Request{})) << "the status page";
}

TEST(Device, IsTheUser) {
  EXPECT_EQ(ask(device)->request.user, "robot-7");
  const auto body = json::parse(answer(device).body);
  EXPECT_EQ(body["ttl"], 3600);
  EXPECT_EQ(body["expires_at"], "2020-05-01T02:42:57Z");
  EXPECT_EQ(body["urls"].size(), 3);
  auto sent = device;
  sent.query = "";
  EXPECT_FALSE(ask(sent));
}

TEST(Native, NamesTheUserItself) {
  const auto asked = ask(native);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->request.user, "alice");
  EXPECT_EQ(asked->request.ttl, seconds(600));
  EXPECT_TRUE(asked->must_name_user);
  const auto response = refused(native, {.status = 401, .error = {"the request has no API key", ""}});
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(header(response, "WWW-Authenticate"), "Bearer");
}

}  // namespace
}  // namespace turnkeeper::monitor
