#include "monitor/web/status.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const SystemTime now{std::chrono::seconds(1'700'000'000)};
constexpr const char* now_text = "2023-11-14T22:13:20Z";

json failure_fields() {
  return {{"cause", "auth-secret"},
          {"detail", "401 Unauthorized"},
          {"advice", api::cause_advice(api::Cause::auth_secret)},
          {"runbook", "docs/runbook.md#auth-secret"}};
}

ProbeResult failed_probe() {
  ProbeResult probe{.ok = false,
                    .cause = api::Cause::auth_secret,
                    .detail = "401 Unauthorized",
                    .phases = {{Phase::resolve, 12us}, {Phase::allocate, 1'234'567ns}},
                    .total = 1'300us};
  probe.endpoint.protocol = turn::Protocol::tls;
  probe.server = "192.0.2.1:5349";
  probe.certificate.emplace();
  probe.certificate->not_after = now;
  probe.certificate->subject = "CN=turn.example.org";
  probe.resumed = true;
  probe.tls_version = "TLSv1.3";
  probe.finished = now;
  return probe;
}

TEST(StatusJson, SaysEverythingAboutARelay) {
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
                                             .since = now,
                                             .echo = 345'678ns,
                                             .loss_percent = 33.333,
                                             .probe = failed_probe(),
                                             .probes = {failed_probe()},
                                             .votes = {{.vantage = "laptop",
                                                        .usable = false,
                                                        .cause = api::Cause::auth_secret,
                                                        .age = 1500ms}},
                                             .agent = AgentState{.sessions = 7, .version = "4.18.0"}}}}},
                    .keys = {{.key = "k2", .must_accept = true, .relays = 4, .waiting = {"eu-0"}},
                             {.key = "k0", .relays = 4, .waiting = {}}}}},
      .failovers = {
          {.at = now, .cluster = "calls", .region = "eu", .from = "eu", .to = "us", .cause = api::Cause::data_path}}};
  json probe = failure_fields();
  probe.update(
      {{"ok", false}, {"finished", now_text}, {"totalMs", 1.3}, {"phases", {{"resolve", 0.012}, {"allocate", 1.235}}}});
  json of_transport = probe;
  of_transport.update({{"transport", "tls"},
                       {"server", "192.0.2.1:5349"},
                       {"certificate", {{"expires", now_text}, {"subject", "CN=turn.example.org"}}},
                       {"tlsVersion", "TLSv1.3"},
                       {"resumed", true}});
  json relay = failure_fields();
  const json vote{
      {"vantage", "laptop"}, {"usable", false}, {"blind", false}, {"cause", "auth-secret"}, {"ageSeconds", 1}};
  relay.update({{"name", "eu-0"},
                {"address", "192.0.2.1:3478"},
                {"verdict", "Unhealthy"},
                {"since", now_text},
                {"echoMs", 0.346},
                {"lossPercent", 33.3},
                {"probe", probe},
                {"probes", json::array({of_transport})},
                {"votes", json::array({vote})},
                {"sessions", 7},
                {"version", "4.18.0"}});
  const json region{{"name", "eu"}, {"servedBy", "us"}, {"relays", json::array({relay})}};
  const json staged{{"key", "k2"}, {"phase", "Staged"}, {"proven", 3}, {"of", 4}, {"waiting", json::array({"eu-0"})}};
  const json removed{{"key", "k0"}, {"phase", "Removed"}, {"proven", 4}, {"of", 4}, {"waiting", json::array()}};
  const json cluster{{"name", "calls"}, {"regions", json::array({region})}, {"keys", json::array({staged, removed})}};
  const json failover{{"at", now_text}, {"cluster", "calls"}, {"region", "eu"},
                      {"from", "eu"},   {"to", "us"},         {"cause", "data-path"}};
  EXPECT_EQ(json::parse(status_json(status)), (json{{"vantage", "laptop"},
                                                    {"blind", false},
                                                    {"clusters", json::array({cluster})},
                                                    {"failovers", json::array({failover})},
                                                    {"incidents", json::array()},
                                                    {"calls", nullptr}}));
}

TEST(StatusJson, WhatFellShortIsNotRoundedAway) {
  Status status;
  status.calls = {.tried = 2000, .connected = 1999, .connect_p95 = std::chrono::milliseconds(1250)};
  EXPECT_EQ(json::parse(status_json(status))["calls"],
            (json{{"tried", 2000}, {"connectedPercent", 99.9}, {"connectP95Ms", 1250}}));
}

TEST(StatusJson, AnIncidentOfAThousandRelaysIsCountedNotListed) {
  Status status;
  status.incidents = {{.key = "k",
                       .scope = Incident::Scope::region,
                       .cluster = "calls",
                       .region = "eu",
                       .cause = api::Cause::auth_secret,
                       .detail = "401 Unauthorized",
                       .relays = std::vector<RelayId>(1000, {"calls", "eu", "eu-0"}),
                       .relays_in_scope = 1200,
                       .started = now}};
  const auto incident = json::parse(status_json(status))["incidents"][0];
  EXPECT_EQ(incident["scope"], "region");
  EXPECT_EQ(incident["verdict"], "Unhealthy");
  EXPECT_EQ(incident["started"], now_text);
  EXPECT_EQ(incident["relayCount"], 1000);
  EXPECT_EQ(incident["relaysInScope"], 1200);
  EXPECT_LE(incident["relays"].size(), 50u);
  EXPECT_EQ(incident["advice"], api::cause_advice(api::Cause::auth_secret));
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

TEST(HistoryJson, IsOneRegionsPast) {
  Cluster cluster{.name = "calls"};
  cluster.regions = {{"eu", {}, {{.name = "eu-0"}}}, {"us", {}, {{.name = "us-0"}}}};
  const Fleet fleet{{cluster}};
  ManualClock clock;
  History history(clock);
  history.set_fleet(fleet);
  const RelayId id{"calls", "eu", "eu-0"};
  history.judged(id, api::Verdict::healthy, api::Cause::none);
  history.relay(id)->echoed(clock.system(), 3ms);
  history.relay(id)->echo_lost(clock.system());
  clock.advance(30s);
  history.on_time();
  const auto of = [&](const char* region) {
    return json::parse(history_json(fleet, history, "calls", region, clock.system(), 99.5));
  };
  const auto relays = of("eu")["relays"];
  ASSERT_EQ(relays.size(), 1u);
  EXPECT_EQ(relays[0]["name"], "eu-0");
  EXPECT_EQ(relays[0]["uptime"]["day"], 100);
  EXPECT_EQ(relays[0]["segments"], json::array({json::array({1'700'000'000, "Healthy", ""})}));
  EXPECT_EQ(relays[0]["points"][0], json::array({3.0, 3.0, 3.0, 50.0}));
  EXPECT_TRUE(relays[0]["points"][1].is_null()) << "no echo in these seconds";
  EXPECT_EQ(of("eu")["goal"], 99.5);
  EXPECT_EQ(of("us")["relays"].size(), 1u);
  EXPECT_TRUE(of("nowhere")["relays"].empty());
}

TEST(HistoryJson, UptimeIsNeverRoundedUpToTheGoal) {
  Cluster cluster{.name = "calls"};
  cluster.regions = {{"eu", {}, {{.name = "eu-0"}}}};
  ManualClock clock;
  History history(clock);
  history.set_fleet({{cluster}});
  const RelayId id{"calls", "eu", "eu-0"};
  history.on_time();
  history.judged(id, api::Verdict::healthy, api::Cause::none);
  const auto pass = [&](std::chrono::seconds time) {
    for (auto left = time; left > 0s; left -= 10s) {
      clock.advance(10s);
      history.on_time();
    }
  };
  pass(20h);
  history.judged(id, api::Verdict::unhealthy, api::Cause::data_path);
  pass(370s);  // 99.4887 %
  const auto json_text = history_json({{cluster}}, history, "calls", "eu", clock.system(), 99.5);
  EXPECT_LT(json::parse(json_text)["relays"][0]["uptime"]["day"].get<double>(), 99.5);
}

}  // namespace
}  // namespace turnkeeper::monitor
