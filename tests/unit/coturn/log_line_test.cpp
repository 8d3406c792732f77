#include "turnkeeper/coturn/log_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::coturn {
namespace {

using testing::HasSubstr;

TEST(LogLineTest, NamesThePortThatIsTaken) {
  for (const char* line : {"0: : Trying to bind fd 17 to <127.0.0.1:3478>: errno=98",
                           "2026-11-21T19:38:33.619+0000 WARNING Trying to bind fd 17 to <127.0.0.1:3478>: errno=98"}) {
    const auto problem = explain_log_line(line);
    ASSERT_TRUE(problem) << line;
    EXPECT_THAT(problem->message, HasSubstr("port 3478 is taken by another process"));
    EXPECT_FALSE(problem->advice.empty());
  }
}

TEST(LogLineTest, NamesTheAddressThatIsNotHere) {
  const auto problem = explain_log_line("0: : Trying to bind fd 16 to <198.51.100.9:3478>: errno=99");
  ASSERT_TRUE(problem);
  EXPECT_THAT(problem->message, HasSubstr("does not have the address 198.51.100.9"));
}

TEST(LogLineTest, NamesAPortThatNeedsMoreRights) {
  const auto problem = explain_log_line("0: : Trying to bind fd 16 to <[2001:db8::1]:443>: errno=13");
  ASSERT_TRUE(problem);
  EXPECT_THAT(problem->message, HasSubstr("port 443"));
}

TEST(LogLineTest, NamesAnOptionThatTheVersionDoesNotKnow) {
  const auto problem = explain_log_line("2026 WARNING Bad configuration format: no-dtls");
  ASSERT_TRUE(problem);
  EXPECT_THAT(problem->message, HasSubstr("no-dtls"));
}

TEST(LogLineTest, HasNothingToSayAboutTheRest) {
  EXPECT_FALSE(explain_log_line(""));
  EXPECT_FALSE(explain_log_line("0: : Relay ports initialization done"));
  EXPECT_FALSE(explain_log_line("0: : Trying to bind TLS/TCP listener socket to addr 127.0.0.1:3499, again..."));
  EXPECT_FALSE(explain_log_line("Trying to bind fd 3 to <"));
}

}  // namespace
}  // namespace turnkeeper::coturn
