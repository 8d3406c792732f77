#include "monitor/shape/session.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "monitor/shape/regions.hpp"

namespace turnkeeper::monitor {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::Pair;

const SystemTime kNow{std::chrono::seconds(1'700'000'000)};

tl::expected<SessionAsk, Trouble> read(const std::string& body) {
  http::Request request;
  request.body = body;
  return read_session(request);
}

TEST(Session, AsksForEachEnd) {
  const auto ask = read(R"({"session":"call-42","cluster":"calls","ttl":600,"policy":"relay","more":1,
                           "ends":[{"user":"robot","region":"eu"},{"user":"app","rtts":{"us":31.5}}]})");
  ASSERT_TRUE(ask) << ask.error().error.text();
  EXPECT_EQ(ask->session, "call-42");
  ASSERT_EQ(ask->ends.size(), 2);
  EXPECT_EQ(ask->ends[0].user, "robot");
  EXPECT_EQ(ask->ends[0].region, "eu");
  EXPECT_EQ(ask->ends[1].region, "");
  EXPECT_THAT(ask->ends[1].rtts, ElementsAre(Pair("us", std::chrono::milliseconds(31))));
  for (const auto& end : ask->ends) {
    EXPECT_EQ(end.cluster, "calls");
    EXPECT_EQ(end.ttl, std::chrono::seconds(600));
    EXPECT_TRUE(end.relay_only);
  }
}

TEST(Session, PutsAnEndOfUnknownPlaceWhereTheOtherOneIs) {
  const auto ask = read(R"({"ends":[{"user":"app"},{"user":"robot","region":"us"},{"user":"third","region":"eu"}]})");
  ASSERT_TRUE(ask);
  EXPECT_EQ(ask->ends[0].region, "us");
  EXPECT_EQ(ask->ends[2].region, "eu");
}

TEST(Session, ThatMakesNoSenseIsRefused) {
  for (const char* body :
       {"", "{}", R"({"ends":[]})", R"({"ends":{}})", R"({"ends":[1]})", R"({"ends":[{}]})", R"({"ends":[{"user":1}]})",
        R"({"ends":[{"user":"a","rtts":[]}]})", R"({"ends":[{"user":"a","rtts":{"eu":-1}}]})",
        R"({"ends":[{"user":"a","rtts":{"eu":"1"}}]})", R"({"ends":[{"user":"a"}],"ttl":0})",
        R"({"ends":[{"user":"a"}],"policy":"none"})", R"({"ends":[{"user":"a"}],"session":7})"}) {
    const auto ask = read(body);
    ASSERT_FALSE(ask) << body;
    EXPECT_EQ(ask.error().status, 400);
  }
  json many = json::array();
  for (int i = 0; i < 17; ++i) many.push_back({{"user", "u" + std::to_string(i)}});
  EXPECT_FALSE(read(json{{"ends", many}}.dump()));
}

TEST(Session, IsAnsweredWithAWholeConfigForEachEnd) {
  auto ask = read(R"({"session":"s","ends":[{"user":"robot"},{"user":"app"}]})");
  ASSERT_TRUE(ask);
  std::vector<IceConfig> configs(2);
  configs[1] = {.servers = {{.urls = {"turn:a.test:3478?transport=udp"},
                             .username = "1700000600:app",
                             .credential = Secret("pw"),
                             .relay = "a",
                             .region = "eu"}},
                .expires = kNow + std::chrono::minutes(10)};
  const auto answer = session_answer(*ask, configs, kNow);
  EXPECT_EQ(answer.status, 200);
  const auto body = json::parse(answer.body);
  EXPECT_EQ(body["session"], "s");
  EXPECT_EQ(body["ends"][0]["user"], "robot");
  EXPECT_EQ(body["ends"][1]["user"], "app");
  EXPECT_EQ(body["ends"][1]["ttl"], 600);
  EXPECT_EQ(body["ends"][1]["iceServers"][0]["credential"], "pw");
}

TEST(Regions, NameAUrlToMeasureOnlyOfARelayThatWorks) {
  const auto relay = [](const char* name) {
    return Relay{.name = name, .uris = {turn_uri(name, 3478, api::Transport::tcp), turn_uri(name)}};
  };
  Cluster cluster{.name = "calls"};
  cluster.regions = {{.name = "eu", .relays = {relay("dead.test"), relay("broken.test"), relay("good.test")}},
                     {.name = "us", .relays = {relay("down.test")}},
                     {.name = "twilio", .relays = {relay("theirs.test")}, .external = true}};
  const auto answer = regions_answer(
      cluster,
      [](const RelayId& id) {
        return id.relay == "dead.test" || id.relay == "down.test" ? api::Verdict::unhealthy : api::Verdict::healthy;
      },
      [](const RelayId& id, const turn::Uri&) { return id.relay == "good.test" ? Proof::works : Proof::fails; });
  EXPECT_EQ(answer.body, R"({"cluster":"calls","regions":[{"name":"eu","usable":true,"stun":"stun:good.test:3478"},)"
                         R"({"name":"us","usable":false}]})");
}

}  // namespace
}  // namespace turnkeeper::monitor
