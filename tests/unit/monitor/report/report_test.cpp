#include "monitor/report/report.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace turnkeeper::monitor {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// As client/src/report.ts makes them.
json report() {
  return {{"cluster", "demo"},
          {"region", "eu"},
          {"connected", true},
          {"lost", false},
          {"connectMs", 412},
          {"durationMs", 93120},
          {"type", "relay"},
          {"localCandidate", "relay"},
          {"remoteCandidate", "prflx"},
          {"protocol", "udp"},
          {"relay", "turn:192.0.2.1:3478?transport=udp"},
          {"relayProtocol", "udp"},
          {"rttMs", {{"mean", 31}, {"max", 48}}},
          {"restarts", 1},
          {"gapsMs", {312}}};
}

std::string refusal(const json& body) {
  const auto read = read_report(body.dump());
  return read ? "accepted" : read.error().message;
}

TEST(ReportTest, TellsWhatTheClientSaw) {
  const auto read = read_report(report().dump());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->cluster, "demo");
  EXPECT_EQ(read->region, "eu");
  EXPECT_EQ(read->outcome, Report::Outcome::connected);
  EXPECT_EQ(read->candidate, Report::Candidate::relay);
  EXPECT_EQ(read->connect, milliseconds(412));
  EXPECT_EQ(read->relay, "turn:192.0.2.1:3478?transport=udp");
  EXPECT_EQ(read->relay_protocol, "udp");
  EXPECT_EQ(read->rtt, milliseconds(31));
  EXPECT_EQ(read->restarts, 1U);
  EXPECT_THAT(read->gaps, ElementsAre(milliseconds(312)));
}

TEST(ReportTest, ACallThatNeverGotAListIsAReportToo) {
  const auto read = read_report(
      R"({"cluster":"","region":"","connected":false,"lost":true,"durationMs":30000,"restarts":3,"gapsMs":[]})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->outcome, Report::Outcome::failed);
  EXPECT_EQ(read->candidate, Report::Candidate::none);
  EXPECT_FALSE(read->connect);
  EXPECT_FALSE(read->rtt);
}

TEST(ReportTest, HangingUpBeforeAnybodyAnsweredIsNoFailure) {
  auto body = report();
  body["connected"] = false;
  EXPECT_EQ(read_report(body.dump())->outcome, Report::Outcome::abandoned);
  EXPECT_FALSE(read_report(body.dump())->connect);
  body["connected"] = body["lost"] = true;
  EXPECT_EQ(read_report(body.dump())->outcome, Report::Outcome::lost);
}

TEST(ReportTest, FieldsOfLaterClientsArePassedOver) {
  auto body = report();
  body["codec"] = {{"name", "opus"}};
  body["relay"] = nullptr;
  EXPECT_EQ(refusal(body), "accepted");
}

TEST(ReportTest, WhatIsOutOfRangeWouldSpoilEverybodysFigures) {
  const std::vector<std::pair<const char*, json>> wrong = {{"connectMs", -1},
                                                           {"connectMs", 600'001},
                                                           {"connectMs", "412"},
                                                           {"connectMs", 1e300},
                                                           {"connected", 1},
                                                           {"connected", nullptr},
                                                           {"lost", "no"},
                                                           {"cluster", 7},
                                                           {"cluster", std::string(400, 'x')},
                                                           {"region", nullptr},
                                                           {"relay", std::string(301, 'x')},
                                                           {"restarts", 10'001},
                                                           {"restarts", nullptr},
                                                           {"gapsMs", 312},
                                                           {"gapsMs", json::array({3'600'001})},
                                                           {"gapsMs", {"312"}},
                                                           {"gapsMs", std::vector<int>(101, 1)},
                                                           {"localCandidate", "satellite"},
                                                           {"relayProtocol", "sctp"},
                                                           {"rttMs", 31},
                                                           {"rttMs", {{"max", 48}}},
                                                           {"rttMs", {{"mean", 60'001}}}};
  for (const auto& [field, value] : wrong) {
    auto body = report();
    body[field] = value;
    EXPECT_THAT(refusal(body), HasSubstr(field)) << body[field];
  }
  for (const auto* field : {"cluster", "region", "connected", "lost", "restarts", "gapsMs"}) {
    auto body = report();
    body.erase(field);
    EXPECT_THAT(refusal(body), HasSubstr(field));
  }
}

TEST(ReportTest, WhatIsNoReportIsRefused) {
  for (const auto* body : {"", "null", "[]", "1e999", "{", "{}", "\xff", R"({"cluster":"a)"}) {
    EXPECT_FALSE(read_report(body)) << body;
  }
  EXPECT_FALSE(read_report(report().dump() + std::string(most_report_bytes, ' ')));
  EXPECT_FALSE(read_report(std::string(most_report_bytes, '[')));
}

}  // namespace
}  // namespace turnkeeper::monitor
