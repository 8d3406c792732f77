#include "agent/signing_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(SigningKeysTest, ReadsKeysInEveryPhase) {
  const auto keys = parse_signing_keys(R"([
      {"id": "k1", "secret": "aa", "phase": "Retiring", "created": "2026-08-01T12:00:00Z"},
      {"id": "k2", "secret": "bb", "phase": "Issuing"},
      {"id": "k3", "secret": "cc", "phase": "Staged"}])");
  ASSERT_TRUE(keys) << keys.error().text();
  ASSERT_EQ(keys->size(), 3U);
  EXPECT_EQ((*keys)[0].phase, KeyPhase::retiring);
  EXPECT_EQ((*keys)[2].phase, KeyPhase::staged);
  EXPECT_EQ(issuing_key(*keys).id, "k2");
  EXPECT_EQ(issuing_key(*keys).secret, Secret("bb"));
}

TEST(SigningKeysTest, RefusesWhatWouldLeaveCallersWithoutAKeyAndNeverQuotesASecret) {
  for (
      const auto& [json, expected] : std::vector<std::pair<std::string, std::string>>{
          {"", "not JSON"},
          {R"([{"id": "k1", "secret": "hunter2")", "not JSON"},
          {"{}", "not a list"},
          {"[]", "0 keys are Issuing"},
          {"[7]", "key 1 is not an object"},
          {R"([{"id": "k1", "secret": "hunter2", "phase": "Staged"}])", "0 keys are Issuing"},
          {R"([{"id": "a", "secret": "hunter2", "phase": "Issuing"}, {"id": "b", "secret": "x", "phase": "Issuing"}])",
           "2 keys are Issuing"},
          {R"([{"id": "a", "secret": "hunter2", "phase": "Issuing"}, {"id": "a", "secret": "x", "phase": "Staged"}])",
           "twice"},
          {R"([{"id": "a", "secret": "hunter2", "phase": "Issuing"}, {"id": "b", "secret": "hunter2", "phase": "Staged"}])",
           "another key's secret"},
          {R"([{"id": "k1", "phase": "Issuing"}])", "has no secret"},
          {R"([{"id": "k1", "secret": "", "phase": "Issuing"}])", "has no secret"},
          {R"([{"id": "k1", "secret": ["hunter2"], "phase": "Issuing"}])", "not a string"},
          {R"([{"id": "k1", "secret": "hunter2", "phase": "Active"}])", "Active"},
          {R"([{"id": "k1", "secret": "hunter2", "phase": "Issuing", "note": ""}])", "unknown field \"note\""}}) {
    const auto keys = parse_signing_keys(json);
    ASSERT_FALSE(keys) << json;
    EXPECT_THAT(keys.error().text(), HasSubstr(expected)) << json;
    EXPECT_THAT(keys.error().text(), Not(HasSubstr("hunter2"))) << json;
  }
}

}  // namespace
}  // namespace turnkeeper::agent
