#include "monitor/ice_api/user.hpp"

#include <gmock/gmock.h>

namespace turnkeeper::monitor {
namespace {

using ::testing::MatchesRegex;

const Caller server{.name = "server", .user = {}};
const Caller robot{.name = "robot", .user = "robot-7"};

TEST(UserOf, AKeyForOneUserIsThatUserAndNobodyElse) {
  EXPECT_EQ(user_for(robot, "", true).value(), "robot-7");
  EXPECT_EQ(user_for(robot, "", false).value(), "robot-7") << "its limits are its own";
  EXPECT_EQ(user_for(robot, "robot-7", true).value(), "robot-7");
  const auto other = user_for(robot, "alice", true);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().status, 403);
}

TEST(UserOf, AKeyForAnybodyIsWhoeverIsAskedFor) {
  EXPECT_EQ(user_for(server, "alice", true).value(), "alice");
  EXPECT_EQ(user_for(server, "", true).value(), "") << "for the core to refuse";
}

TEST(UserOf, CallsOfOneApplicationDoNotShareAUsersLimits) {
  const auto one = user_for(server, "", false).value();
  EXPECT_THAT(one, MatchesRegex("server~[0-9a-f]{8}"));
  EXPECT_NE(one, user_for(server, "", false).value());
}

TEST(UserOf, AnOddNameStaysAUserThatARelayUnderstands) {
  const auto user = user_for({.name = "jwt:a b/" + std::string(200, 'x'), .user = {}}, "", false).value();
  EXPECT_THAT(user, MatchesRegex("jwt-a-b-x+~[0-9a-f]{8}"));
  EXPECT_LE(user.size(), 128);
}

}  // namespace
}  // namespace turnkeeper::monitor
