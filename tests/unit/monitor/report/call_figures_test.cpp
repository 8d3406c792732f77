#include "monitor/report/call_figures.hpp"

#include <gmock/gmock.h>

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Relay relay(const std::string& name, const std::string& host, std::uint16_t port) {
  return {.name = name, .uris = {turn_uri(host, port)}, .public_addresses = {host}, .agent = "", .credential = {}};
}

Fleet fleet() {
  Cluster cluster;
  cluster.name = "demo";
  cluster.regions = {
      {.name = "eu", .backups = {}, .relays = {relay("eu-0", "192.0.2.1", 3478), relay("eu-1", "192.0.2.2", 3478)}},
      {.name = "us", .backups = {}, .relays = {relay("us-0", "192.0.2.3", 3478), relay("us-1", "192.0.2.3", 3479)}}};
  return {.clusters = {cluster}};
}

class CallFiguresTest : public ::testing::Test {
 protected:
  CallFiguresTest() { figures.set_fleet(fleet()); }

  static Report report(const std::string& region = "eu") {
    Report report;
    report.cluster = "demo";
    report.region = region;
    report.outcome = Report::Outcome::connected;
    report.candidate = Report::Candidate::relay;
    report.connect = milliseconds(412);
    return report;
  }
  static Report over(const std::string& relay) {
    auto call = report();
    call.relay = relay;
    call.relay_protocol = "udp";
    return call;
  }
  std::string text() const {
    Exposition exposition(ExpositionFormat::text);
    figures.write(exposition);
    return exposition.finish();
  }

  ManualClock clock;
  CallFigures figures{"here", clock};
};

TEST_F(CallFiguresTest, CallsAreCountedByHowTheyEnded) {
  auto call = report();
  call.rtt = milliseconds(31);
  call.restarts = 2;
  call.gaps = {milliseconds(350), milliseconds(4000)};
  figures.count(call);
  call = report();
  call.outcome = Report::Outcome::failed;
  call.candidate = Report::Candidate::none;
  call.connect.reset();
  figures.count(call);
  const std::string labels = R"({cluster="demo",region="eu",vantage="here")";
  EXPECT_THAT(text(), HasSubstr("client_connections_total" + labels + R"(,result="connected",candidate="relay"} 1)"));
  EXPECT_THAT(text(), HasSubstr("client_connections_total" + labels + R"(,result="failed",candidate="none"} 1)"));
  EXPECT_THAT(text(), HasSubstr("client_connect_seconds_bucket" + labels + R"(,le="0.3"} 0)"));
  EXPECT_THAT(text(), HasSubstr("client_connect_seconds_bucket" + labels + R"(,le="0.5"} 1)"));
  EXPECT_THAT(text(), HasSubstr("client_gap_seconds_count" + labels + "} 2"));
  EXPECT_THAT(text(), HasSubstr("client_rtt_seconds_sum" + labels + "} 0.031"));
  EXPECT_THAT(text(), HasSubstr("client_restarts_total" + labels + "} 2"));
}

TEST_F(CallFiguresTest, ARelayIsFoundByItsUrlAndByTheAddressItRelaysFrom) {
  figures.count(over("turn:192.0.2.1:3478?transport=udp"));
  figures.count(over("192.0.2.2:50123"));
  figures.count(over("turn:192.0.2.3:3479?transport=udp"));
  for (const auto* name : {"eu-0", "eu-1", "us-1"}) {
    EXPECT_THAT(text(), HasSubstr(std::string(R"(relay=")") + name +
                                  R"(",vantage="here",transport="udp",result="connected"} 1)"));
  }
  // Two relays have this address.
  figures.count(over("192.0.2.3:50123"));
  EXPECT_THAT(text(), HasSubstr(R"(relay="unknown")"));
}

TEST_F(CallFiguresTest, WhatAClientMakesUpAddsNoSeries) {
  for (int i = 0; i < 1000; ++i) {
    auto call = over("turn:198.51.100." + std::to_string(i) + ":3478");
    call.cluster = i % 2 == 0 ? "demo" : "made-up-" + std::to_string(i);
    call.region = "made-up-" + std::to_string(i);
    figures.count(call);
    figures.refused("reason-" + std::to_string(i));
  }
  EXPECT_THAT(text(), AllOf(Not(HasSubstr("made-up")), Not(HasSubstr("198.51.100")), Not(HasSubstr("reason-16\""))));
  EXPECT_THAT(
      text(),
      HasSubstr(
          R"(connections_total{cluster="demo",region="unknown",vantage="here",result="connected",candidate="relay"} 500)"));
  EXPECT_THAT(
      text(),
      HasSubstr(
          R"(connections_total{cluster="unknown",region="unknown",vantage="here",result="connected",candidate="relay"} 500)"));
}

TEST_F(CallFiguresTest, ARegionThatGoesTakesItsSeriesAlong) {
  figures.count(report("us"));
  figures.count(over("turn:192.0.2.3:3478?transport=udp"));
  EXPECT_THAT(text(), HasSubstr(R"(relay="us-0")"));
  auto smaller = fleet();
  smaller.clusters[0].regions.pop_back();
  figures.set_fleet(smaller);
  EXPECT_THAT(text(), AllOf(Not(HasSubstr(R"("us")")), HasSubstr(R"(region="eu")")));
}

TEST_F(CallFiguresTest, TheLastDayForgetsWhatIsOlder) {
  EXPECT_EQ(figures.last_day().tried, 0U);
  EXPECT_FALSE(figures.last_day().connect_p95);
  auto bad = report();
  bad.outcome = Report::Outcome::failed;
  bad.connect.reset();
  figures.count(bad);
  clock.advance(hours(23));
  for (int i = 0; i < 19; ++i) figures.count(report());
  auto nobody = report();
  nobody.outcome = Report::Outcome::abandoned;
  nobody.connect.reset();
  figures.count(nobody);
  EXPECT_EQ(figures.last_day().tried, 20U);
  EXPECT_EQ(figures.last_day().connected, 19U);
  // All between 0.3 and 0.5 s.
  EXPECT_EQ(figures.last_day().connect_p95, milliseconds(490));
  clock.advance(hours(2));
  EXPECT_EQ(figures.last_day().tried, 19U);
  clock.advance(hours(23));
  EXPECT_EQ(figures.last_day().tried, 0U);
}

TEST_F(CallFiguresTest, ACallThatTookForEverCountsAsTheLongest) {
  auto call = report();
  call.connect = std::chrono::minutes(5);
  figures.count(call);
  EXPECT_EQ(figures.last_day().connect_p95, std::chrono::seconds(30));
}

}  // namespace
}  // namespace turnkeeper::monitor
