#include "monitor/metrics/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const SystemTime now{1'700'000'000s};
const RelayId eu0{"calls", "eu", "eu-0"};

Fleet one_relay() {
  Cluster cluster{.name = "calls"};
  cluster.signing_keys = {{"k1", Secret("secret"), api::SigningKey::Phase::issuing, now - 48h}};
  cluster.regions = {{"eu", {}, {{.name = "eu-0", .host = "192.0.2.1"}}}};
  return Fleet{{cluster}};
}

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() { metrics_.set_fleet(one_relay()); }
  std::string text() { return metrics_.exposition(now); }
  Metrics metrics_{"here"};
};

TEST_F(MetricsTest, AnAlertCanSayWhichRelayIsDownAndWhy) {
  metrics_.judged(eu0, api::Verdict::healthy, api::Cause::none);
  metrics_.judged(eu0, api::Verdict::unhealthy, api::Cause::timeout);
  EXPECT_THAT(text(), HasSubstr(R"(turnkeeper_relay_verdict{cause="timeout",cluster="calls",region="eu",relay="eu-0",)"
                                R"(vantage="here",verdict="Unhealthy"} 1)"));
  EXPECT_THAT(text(), Not(HasSubstr("Healthy\"} "))) << "a verdict of the past is still shown";
}

TEST_F(MetricsTest, AProbesOutcomeItsPhasesAndItsCauseAreCounted) {
  metrics_.probed(eu0, {.ok = true, .phases = {{Phase::resolve, 1ms}, {Phase::allocate, 20ms}}});
  EXPECT_THAT(text(), HasSubstr(R"(turnkeeper_probe_success{cluster="calls",region="eu",relay="eu-0",transport="udp",)"
                                R"(vantage="here"} 1)"));
  EXPECT_THAT(text(), HasSubstr(R"(turnkeeper_probe_duration_seconds_sum{cluster="calls",phase="allocate",region="eu",)"
                                R"(relay="eu-0",transport="udp",vantage="here"} 0.02)"));
  metrics_.probed(eu0, {.ok = false, .cause = api::Cause::auth_secret});
  EXPECT_THAT(text(), HasSubstr(R"(turnkeeper_probe_failures_total{cause="auth-secret",cluster="calls",region="eu",)"
                                R"(relay="eu-0",transport="udp",vantage="here"} 1)"));
}

TEST_F(MetricsTest, LossCanBeComputedFromEchoes) {
  for (int i = 0; i < 10; ++i) metrics_.echo_sent(eu0);
  for (int i = 0; i < 8; ++i) metrics_.echo_received(eu0, 3ms);
  for (int i = 0; i < 2; ++i) metrics_.echo_lost(eu0);
  const std::string labels = R"({cluster="calls",region="eu",relay="eu-0",transport="udp",vantage="here"} )";
  EXPECT_THAT(text(), HasSubstr("turnkeeper_echo_sent_total" + labels + "10\n"));
  EXPECT_THAT(text(), HasSubstr("turnkeeper_echo_lost_total" + labels + "2\n"));
  EXPECT_THAT(text(), HasSubstr("turnkeeper_echo_seconds_count" + labels + "8\n"));
}

TEST_F(MetricsTest, AFailoverIsSeenWhileItLastsAndCountedForGood) {
  metrics_.served("calls", "eu", "us", api::Cause::timeout);
  metrics_.failed_over("calls", "eu", api::Cause::timeout);
  metrics_.pushed_after("calls", "eu", 350ms);
  EXPECT_THAT(text(), HasSubstr(R"(turnkeeper_failover_active{backup="us",cause="timeout",cluster="calls",region="eu",)"
                                R"(vantage="here"} 1)"));
  EXPECT_THAT(text(), HasSubstr(R"(turnkeeper_region_serving{cluster="calls",region="eu",vantage="here"} 1)"));
  metrics_.served("calls", "eu", "eu", api::Cause::none);
  EXPECT_THAT(text(), Not(HasSubstr("turnkeeper_failover_active{")));
  EXPECT_THAT(text(),
              HasSubstr(R"(turnkeeper_failovers_total{cause="timeout",cluster="calls",region="eu",vantage="here"} 1)"));
  EXPECT_THAT(
      text(),
      HasSubstr(R"(turnkeeper_failover_seconds_bucket{cluster="calls",region="eu",vantage="here",le="0.4"} 1)"));
  metrics_.served("calls", "eu", "", api::Cause::timeout);
  EXPECT_THAT(text(), HasSubstr(R"(turnkeeper_region_serving{cluster="calls",region="eu",vantage="here"} 0)"));
}

TEST_F(MetricsTest, AnOverdueRotationCanBeSeen) {
  EXPECT_THAT(text(), HasSubstr(R"(turnkeeper_signing_key_age_seconds{cluster="calls",vantage="here"} 172800)"));
  EXPECT_THAT(text(), HasSubstr(R"(turnkeeper_signing_key_max_age_seconds{cluster="calls",vantage="here"} 7776000)"));
}

TEST_F(MetricsTest, AKeyWithoutABirthdayHasNoAge) {
  auto fleet = one_relay();
  fleet.clusters[0].signing_keys[0].created = {};
  Metrics metrics("here");
  metrics.set_fleet(fleet);
  EXPECT_THAT(metrics.exposition(now), Not(HasSubstr("turnkeeper_signing_key_age_seconds{")));
}

TEST_F(MetricsTest, WhatHasLeftTheFleetLeavesNoSeriesBehind) {
  metrics_.judged(eu0, api::Verdict::unhealthy, api::Cause::timeout);
  metrics_.probed(eu0, {.ok = false, .cause = api::Cause::timeout, .phases = {{Phase::resolve, 1ms}}});
  metrics_.echo_sent(eu0);
  metrics_.served("calls", "eu", "us", api::Cause::timeout);
  metrics_.issued("calls", "eu", "native");
  metrics_.set_push_clients("calls", "eu", 3);
  ASSERT_THAT(text(), HasSubstr("calls"));
  metrics_.set_fleet({});
  metrics_.echo_sent(eu0);  // the last word of a canary that is being stopped
  EXPECT_THAT(text(), Not(HasSubstr("calls")));
  EXPECT_THAT(text(), HasSubstr("turnkeeper_build_info{program=\"turnkeeper-monitor\",version="));
}

}  // namespace
}  // namespace turnkeeper::monitor
