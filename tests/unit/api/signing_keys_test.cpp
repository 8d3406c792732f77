#include "turnkeeper/api/signing_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::api {
namespace {

using testing::HasSubstr;
using testing::Not;

const SystemTime noon = parse_rfc3339("2026-08-01T12:00:00Z").value();

TEST(SigningKeys, ComeBackAsTheyWereWritten) {
  const SigningKeys keys = {{"k1", Secret("aa"), SigningKey::Phase::retiring, noon},
                            {"k2", Secret("bb"), SigningKey::Phase::issuing, noon},
                            {"k3", Secret("cc"), SigningKey::Phase::staged, noon},
                            {"k0", Secret("dd"), SigningKey::Phase::removed, noon, noon + std::chrono::hours(1)}};
  EXPECT_EQ(parse_signing_keys(render_signing_keys(keys).reveal()), keys);
  ASSERT_NE(issuing_key(keys), nullptr);
  EXPECT_EQ(issuing_key(keys)->id, "k2");
  EXPECT_EQ(issuing_key({}), nullptr);
}

TEST(SigningKeys, RelaysAcceptAllButTheRemovedOnes) {
  std::vector<std::string> accepted;
  for (const auto& key : accepted_keys({{"k0", Secret("dd"), SigningKey::Phase::removed, noon},
                                        {"k1", Secret("aa"), SigningKey::Phase::retiring, noon},
                                        {"k2", Secret("bb"), SigningKey::Phase::issuing, noon},
                                        {"k3", Secret("cc"), SigningKey::Phase::staged, noon}})) {
    accepted.push_back(key.id);
  }
  EXPECT_THAT(accepted, testing::ElementsAre("k1", "k2", "k3"));
}

// A running relay of another version reads it.
TEST(SigningKeys, AreWrittenInTheFormThatIsFixed) {
  EXPECT_EQ(render_signing_keys({{"k1", Secret("aa"), SigningKey::Phase::issuing, noon}}).reveal(),
            R"([{"created":"2026-08-01T12:00:00Z","id":"k1","phase":"Issuing","secret":"aa",)"
            R"("since":"2026-08-01T12:00:00Z"}])");
}

// Written before phases had a time of their own.
TEST(SigningKeys, AreTakenToBeInTheirPhaseSinceTheirCreationWhenNothingSaysOtherwise) {
  const auto keys =
      parse_signing_keys(R"([{"id":"k1","secret":"aa","phase":"Issuing","created":"2026-08-01T12:00:00Z"}])");
  ASSERT_TRUE(keys) << keys.error().text();
  EXPECT_EQ(keys->at(0).since, noon);
}

TEST(SigningKeys, WhatWouldLeaveCallersWithoutAKeyIsRefusedAndNeverQuotesASecret) {
  const auto key = [](const std::string& id, const std::string& secret, const std::string& phase) {
    return R"({"id":")" + id + R"(","secret":")" + secret + R"(","phase":")" + phase +
           R"(","created":"2026-08-01T12:00:00Z"})";
  };
  for (
      const auto& [json, expected] : std::vector<std::pair<std::string, std::string>>{
          {"", "not JSON"},
          {R"([{"id": "k1", "secret": "hunter2")", "not JSON"},
          {"{}", "not a list"},
          {"[]", "0 keys are Issuing"},
          {"[7]", "key 1 is not an object"},
          {"[" + key("k1", "hunter2", "Staged") + "]", "0 keys are Issuing"},
          {"[" + key("a", "hunter2", "Issuing") + "," + key("b", "x", "Issuing") + "]", "2 keys are Issuing"},
          {"[" + key("a", "hunter2", "Issuing") + "," + key("a", "x", "Staged") + "]", "twice"},
          {"[" + key("a", "hunter2", "Issuing") + "," + key("b", "hunter2", "Staged") + "]", "another key's secret"},
          {"[" + key("k1", "", "Issuing") + "]", "has no secret"},
          {"[" + key("", "hunter2", "Issuing") + "]", "has no id"},
          {"[" + key("k1", "hunter2", "Active") + "]", "Active"},
          {R"([{"id": "k1", "phase": "Issuing"}])", "has no secret"},
          {R"([{"id": "k1", "secret": "hunter2", "phase": "Issuing"}])", "has no created"},
          {R"([{"id": "k1", "secret": "hunter2", "phase": "Issuing", "created": "hunter2"}])", "no RFC 3339 time"},
          {R"([{"id": "k1", "secret": "hunter2", "phase": "Issuing", "created": "2026-08-01T12:00:00Z", "since": "x"}])",
           "since is no RFC 3339 time"},
          {R"([{"id": "k1", "secret": ["hunter2"], "phase": "Issuing"}])", "not a string"},
          {R"([{"id": "k1", "secret": "hunter2", "phase": "Issuing", "note": ""}])", "unknown field \"note\""}}) {
    const auto keys = parse_signing_keys(json);
    ASSERT_FALSE(keys) << json;
    EXPECT_THAT(keys.error().text(), HasSubstr(expected)) << json;
    EXPECT_THAT(keys.error().text(), Not(HasSubstr("hunter2"))) << json;
  }
}

}  // namespace
}  // namespace turnkeeper::api
