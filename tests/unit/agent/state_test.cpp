#include "agent/state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(StateTest, TellsTheOperatorAllThatItKnows) {
  EXPECT_EQ(state_json({.sessions = 3,
                        .sent_bytes = 10'000'000'000,
                        .received_bytes = 20,
                        .bits_per_second = 5,
                        .keys = {"k1", "k2"},
                        .config_hash = "9f86d081884c7d659a2feaa0c55ad015",
                        .coturn = {4, 18, 0},
                        .draining = true,
                        .starts = 2,
                        .certificate_serial = "0a1b",
                        .problem = "coturn ended with status 1"}),
            R"({"bitsPerSecond":5,"certificateSerial":"0a1b","configHash":"9f86d081884c7d659a2feaa0c55ad015",)"
            R"("draining":true,"keys":["k1","k2"],"problem":"coturn ended with status 1","receivedBytes":20,)"
            R"("sentBytes":10000000000,"sessions":3,"starts":2,"version":"4.18.0"})");
}

TEST(StateTest, DoesNotCallWhatIsUnknownZero) {
  const std::string text = state_json({.coturn = {4, 6, 1}, .starts = 1});
  EXPECT_EQ(text, R"({"draining":false,"keys":[],"starts":1,"version":"4.6.1"})");
}

TEST(StateTest, SurvivesABrokenLineInCoturnsLog) {
  EXPECT_THAT(state_json({.problem = "bad \xff byte"}), HasSubstr("bad \xEF\xBF\xBD byte"));
}

}  // namespace
}  // namespace turnkeeper::agent
