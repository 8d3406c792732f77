#include "operator/plan/relay_health.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using api::Cause;
using api::Verdict;

RelayHealth dead(SystemTime since = noon) {
  return {.verdict = Verdict::unhealthy, .cause = Cause::connect_timeout, .since = since};
}

TEST(ClusterHealth, FollowsMostVantages) {
  const auto health = cluster_health({report({{"eu-0", dead(noon - 1min)}}, noon, "a"),
                                      report({{"eu-0", dead(noon - 2min)}}, noon, "b"), report({}, noon, "c")},
                                     noon);
  EXPECT_TRUE(health.heard);
  EXPECT_EQ(health.relays.at("eu-0"), dead(noon - 2min)) << "it began when the first of them saw it";
  EXPECT_EQ(health.relays.at("eu-1").verdict, Verdict::healthy);
}

TEST(ClusterHealth, TakesTheBetterOfTwoThatDisagree) {
  EXPECT_EQ(
      cluster_health({report({{"eu-0", dead()}}, noon, "a"), report({}, noon, "b")}, noon).relays.at("eu-0").verdict,
      Verdict::healthy);
}

TEST(ClusterHealth, ForgetsAVantageThatFellSilent) {
  const std::vector reports = {report({{"eu-0", dead()}}, noon - 29s, "a")};
  EXPECT_EQ(cluster_health(reports, noon).relays.at("eu-0").verdict, Verdict::unhealthy);
  const auto later = cluster_health(reports, noon + 1s);
  EXPECT_FALSE(later.heard);
  EXPECT_TRUE(later.relays.empty()) << "a dead monitor's last words must not keep a relay out of service";
}

RelayFacts saw(const std::string& key, bool accepted, SystemTime at) {
  return {.keys = {{key, {.accepted = accepted, .at = at}}}, .agent = {}, .certificate = {}};
}

TEST(ClusterHealth, BelievesTheNewestProofOfAKey) {
  auto a = report({}, noon, "a");
  auto b = report({}, noon - 5s, "b");
  a.facts["eu-0"] = saw("k1", true, noon - 9s);
  b.facts["eu-0"] = saw("k1", false, noon - 7s);
  EXPECT_FALSE(cluster_health({a, b}, noon).facts.at("eu-0").keys.at("k1").accepted);
  a.facts["eu-0"] = saw("k1", true, noon - 7s);
  EXPECT_TRUE(cluster_health({a, b}, noon).facts.at("eu-0").keys.at("k1").accepted)
      << "an old key that may still work must not be called dead";
  a.heard = noon - 31s;
  EXPECT_FALSE(cluster_health({a, b}, noon).facts.at("eu-0").keys.at("k1").accepted) << "silent for too long";
}

TEST(ClusterHealth, BelievesTheVantageThatSpokeLastAboutAnAgent) {
  auto a = report({}, noon - 1s, "a");
  auto b = report({}, noon - 5s, "b");
  a.facts["eu-0"].agent = AgentState{.sessions = 7};
  b.facts["eu-0"].agent = AgentState{.sessions = 6};
  b.facts["eu-0"].certificate = {.serial = "0a", .not_after = noon};
  const auto facts = cluster_health({a, b}, noon).facts.at("eu-0");
  EXPECT_EQ(facts.agent->sessions, 7);
  EXPECT_EQ(facts.certificate->serial, "0a") << "the other one has no TLS to this relay";
}

TEST(VantageReport, TakesWhatItTellsOfARelay) {
  v1::HealthReport message;
  auto& relay = *message.add_relays();
  relay.set_cluster("telephony/calls");
  relay.set_relay("eu-0");
  auto& proof = *relay.add_keys();
  proof.set_key("k2");
  proof.set_accepted(true);
  proof.mutable_at()->set_seconds(unix_seconds(noon));
  auto& agent = *relay.mutable_agent();
  agent.set_sessions(3);
  agent.set_sent_bytes(10);
  agent.add_keys("k1");
  agent.set_version("4.18.0");
  agent.set_starts(2);
  relay.mutable_certificate()->set_serial("0a1b");
  const auto facts = vantage_report(message, "telephony/calls", noon).facts.at("eu-0");
  EXPECT_EQ(facts.keys.at("k2"), (KeyProof{.accepted = true, .at = noon}));
  ASSERT_TRUE(facts.agent);
  EXPECT_EQ(facts.agent->sessions, 3);
  EXPECT_EQ(facts.agent->sent_bytes, 10U);
  EXPECT_EQ(facts.agent->received_bytes, std::nullopt);
  EXPECT_EQ(facts.agent->keys, std::vector<std::string>{"k1"});
  EXPECT_EQ(facts.agent->starts, 2);
  EXPECT_EQ(facts.certificate->serial, "0a1b");
}

TEST(VantageReport, TakesHowNearTheRegionsAre) {
  v1::HealthReport message;
  for (const auto* cluster : {"telephony/calls", "other/calls"}) {
    auto& order = *message.add_orders();
    order.set_cluster(cluster);
    order.set_region("eu");
    order.add_nearest(cluster == std::string("other/calls") ? "mars" : "us");
  }
  const auto report = vantage_report(message, "telephony/calls", noon);
  EXPECT_EQ(report.nearest.at("eu"), std::vector<std::string>{"us"});
  EXPECT_FALSE(differ_in_numbers_only(report, vantage_report({}, "telephony/calls", noon)));
}

TEST(ClusterHealth, BackupsComeInTheOrderThatMostVantagesSay) {
  auto a = report({}, noon - 2s, "a");
  auto b = report({}, noon - 1s, "b");
  auto c = report({}, noon, "c");
  a.nearest["eu"] = b.nearest["eu"] = {"us", "asia"};
  c.nearest["eu"] = {"asia"};
  EXPECT_EQ(cluster_health({a, b, c}, noon).nearest.at("eu"), (std::vector<std::string>{"us", "asia"}));
}

TEST(VantageReport, TakesOnlyTheClustersOwnRelays) {
  v1::HealthReport message;
  message.set_vantage("home");
  const auto add = [&](const char* cluster, const char* relay, const char* verdict, const char* cause) {
    auto& health = *message.add_relays();
    health.set_cluster(cluster);
    health.set_relay(relay);
    health.set_verdict(verdict);
    health.set_cause(cause);
    health.mutable_since()->set_seconds(unix_seconds(noon));
  };
  add("telephony/calls", "eu-0", "Unhealthy", "auth-secret");
  add("telephony/calls", "eu-1", "Splendid", "gremlins");  // of a newer monitor
  add("other/calls", "eu-0", "Healthy", "");
  const auto report = vantage_report(message, "telephony/calls", noon);
  EXPECT_EQ(report.vantage, "home");
  ASSERT_EQ(report.relays.size(), 2u);
  EXPECT_EQ(report.relays.at("eu-0"),
            (RelayHealth{.verdict = Verdict::unhealthy, .cause = Cause::auth_secret, .since = noon}));
  EXPECT_EQ(report.relays.at("eu-1").verdict, Verdict::unknown);
}

}  // namespace
}  // namespace turnkeeper::op
