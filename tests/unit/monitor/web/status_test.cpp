#include "monitor/web/status.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const SystemTime kNow{std::chrono::seconds(1'700'000'000)};

TEST(StatusJson, SaysEverythingAboutARelay) {
  const ProbeResult probe{.ok = false,
                          .cause = api::Cause::auth_secret,
                          .detail = "401 Unauthorized",
                          .phases = {{Phase::resolve, 12us}, {Phase::allocate, 1'234'567ns}},
                          .total = 1'300us,
                          .server = "192.0.2.1:3478",
                          .relayed_address = "",
                          .finished = kNow};
  const Status status{
      .vantage = "laptop",
      .clusters = {{.name = "calls",
                    .regions = {{.name = "eu",
                                 .served_by = "us",
                                 .relays = {{.name = "eu-0",
                                             .address = "192.0.2.1:3478",
                                             .verdict = api::Verdict::unhealthy,
                                             .cause = api::Cause::auth_secret,
                                             .detail = "401 Unauthorized",
                                             .since = kNow,
                                             .echo = 345'678ns,
                                             .loss_percent = 33.333,
                                             .probe = probe}}}}}},
      .failovers = {
          {.at = kNow, .cluster = "calls", .region = "eu", .from = "eu", .to = "us", .cause = api::Cause::timeout}}};
  const std::string advice(api::cause_advice(api::Cause::auth_secret));
  ASSERT_FALSE(advice.empty());
  const json failure{{"cause", "auth-secret"}, {"detail", "401 Unauthorized"}, {"advice", advice}};
  json expected_probe = failure;
  expected_probe.update({{"ok", false},
                         {"finished", "2023-11-14T22:13:20Z"},
                         {"totalMs", 1.3},
                         {"phases", {{"resolve", 0.012}, {"allocate", 1.235}}}});
  json expected_relay = failure;
  expected_relay.update({{"name", "eu-0"},
                         {"address", "192.0.2.1:3478"},
                         {"verdict", "Unhealthy"},
                         {"since", "2023-11-14T22:13:20Z"},
                         {"echoMs", 0.346},
                         {"lossPercent", 33.3},
                         {"probe", expected_probe}});
  const json region{{"name", "eu"}, {"servedBy", "us"}, {"relays", json::array({expected_relay})}};
  const json cluster{{"name", "calls"}, {"regions", json::array({region})}};
  const json failover{{"at", "2023-11-14T22:13:20Z"},
                      {"cluster", "calls"},
                      {"region", "eu"},
                      {"from", "eu"},
                      {"to", "us"},
                      {"cause", "timeout"}};
  EXPECT_EQ(
      json::parse(status_json(status)),
      (json{{"vantage", "laptop"}, {"clusters", json::array({cluster})}, {"failovers", json::array({failover})}}));
}

TEST(StatusJson, WhatIsNotKnownYetIsNull) {
  const Status status{.vantage = "v",
                      .clusters = {{.name = "c", .regions = {{.name = "eu", .relays = {{.name = "eu-0"}}}}}}};
  const json relay = json::parse(status_json(status))["clusters"][0]["regions"][0]["relays"][0];
  EXPECT_TRUE(relay.at("echoMs").is_null());
  EXPECT_TRUE(relay.at("probe").is_null());
  EXPECT_EQ(relay.at("verdict"), "Unknown");
}

TEST(StatusJson, DetailThatIsNotUtf8DoesNotBreakIt) {
  Status status{.clusters = {{.name = "c", .regions = {{.name = "eu", .relays = {{.name = "eu-0"}}}}}}};
  status.clusters[0].regions[0].relays[0].detail = "reason \xff\xfe";
  EXPECT_FALSE(json::parse(status_json(status), nullptr, false).is_discarded());
}

}  // namespace
}  // namespace turnkeeper::monitor
