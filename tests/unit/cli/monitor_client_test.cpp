#include "cli/monitor_client.hpp"

#include <gmock/gmock.h>

namespace turnkeeper::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

TEST(ParseIce, ReadsTheTurnServersInTheirOrder) {
  const auto ice = parse_ice(R"({"iceServers":[
      {"urls":["turn:a:1?transport=udp","turn:a:1?transport=tcp"],"username":"1:u","credential":"c"},
      {"urls":["turn:b:2?transport=udp"],"username":"1:u","credential":"d"},
      {"urls":["stun:s:3"]}],"region":"eu","servedBy":"us"})");
  ASSERT_TRUE(ice) << ice.error().text();
  ASSERT_THAT(ice->turn, SizeIs(3));
  EXPECT_EQ(ice->turn[0].url, "turn:a:1?transport=udp");
  EXPECT_EQ(ice->turn[2].credential.reveal(), "d");
  EXPECT_EQ(ice->served_by, "us");
}

TEST(ParseIce, AnswerThatIsNotUnderstoodIsAnErrorThatQuotesNothing) {
  for (const std::string bad : {"", "null", "[]", "{}", R"({"iceServers":"hunter2","region":"","servedBy":""})",
                                R"({"iceServers":[{"urls":[7],"credential":"hunter2"}],"region":"","servedBy":""})"}) {
    const auto ice = parse_ice(bad);
    ASSERT_FALSE(ice) << bad;
    EXPECT_THAT(ice.error().text(), Not(HasSubstr("hunter2")));
  }
}

}  // namespace
}  // namespace turnkeeper::cli
