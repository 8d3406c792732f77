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
