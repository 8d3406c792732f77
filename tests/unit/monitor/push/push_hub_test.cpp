#include "monitor/push/push_hub.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A world of one list for each region, which tests change.
class PushHubTest : public ::testing::Test {
 protected:
  PushHubTest()
      : hub_(
            [this](const IceRequest& request) -> IceResult<IceConfig> {
              if (!urls_.contains(request.region)) {
                return tl::unexpected(IceFailure{IceFailure::Kind::not_found, {"no such region", ""}});
              }
              return IceConfig{.servers = {{.urls = {urls_.at(request.region)}, .username = request.user}},
                               .expires = clock_.system() + 24h,
                               .refresh_at = clock_.system() + 18h,
                               .region = request.region};
            },
            clock_) {}

  IceResult<PushHub::Subscription> subscribe(const std::string& region, std::vector<http::Event>& inbox,
                                             const std::string& last_event_id = "") {
    return hub_.subscribe({.region = region, .user = "alice"}, last_event_id,
                          [&](http::Event event) { inbox.push_back(std::move(event)); });
  }

  static std::string url(const http::Event& event) {
    return nlohmann::json::parse(event.data).at("iceServers").at(0).at("urls").at(0);
  }

  ManualClock clock_;
  std::map<std::string, std::string> urls_{{"eu", "turn:eu"}, {"us", "turn:us"}};
  PushHub hub_;
};

TEST_F(PushHubTest, ClientGetsItsConfigAtOnce) {
  std::vector<http::Event> inbox;
  ASSERT_TRUE(subscribe("eu", inbox));
  ASSERT_THAT(inbox, SizeIs(1));
  EXPECT_EQ(inbox[0].name, "config");
  EXPECT_EQ(inbox[0].id, "1");
  EXPECT_EQ(url(inbox[0]), "turn:eu");
}

TEST_F(PushHubTest, OnlyThoseWhoseListChangedAreTold) {
  std::vector<http::Event> eu;
  std::vector<http::Event> us;
  ASSERT_TRUE(subscribe("eu", eu));
  ASSERT_TRUE(subscribe("us", us));
  EXPECT_EQ(hub_.update(), 0u);
  urls_["eu"] = "turn:us";
  EXPECT_EQ(hub_.update(), 1u);
  ASSERT_THAT(eu, SizeIs(2));
  EXPECT_EQ(url(eu[1]), "turn:us");
  EXPECT_EQ(eu[1].id, "2");
  EXPECT_THAT(us, SizeIs(1)) << "a client was told to move for nothing";
  EXPECT_EQ(hub_.update(), 0u) << "one change is one message";
}

TEST_F(PushHubTest, ChangeThatWentBackBetweenTwoUpdatesMovesNobody) {
  std::vector<http::Event> inbox;
  ASSERT_TRUE(subscribe("eu", inbox));
  urls_["eu"] = "turn:us";
  urls_["eu"] = "turn:eu";
  EXPECT_EQ(hub_.update(), 0u);
}

TEST_F(PushHubTest, CredentialsAreRenewedBeforeTheyExpire) {
  std::vector<http::Event> inbox;
  ASSERT_TRUE(subscribe("eu", inbox));
  clock_.advance(18h - 1s);
  EXPECT_EQ(hub_.update(), 0u);
  clock_.advance(1s);
  EXPECT_EQ(hub_.update(), 1u);
  EXPECT_EQ(hub_.update(), 0u);
}

TEST_F(PushHubTest, IdsGoOnWhereTheClientLeftOff) {
  std::vector<http::Event> inbox;
  ASSERT_TRUE(subscribe("eu", inbox, "41"));
  EXPECT_EQ(inbox.back().id, "42");
  for (const std::string strange : {"", "x", "-1", "12x", "99999999999999999999", "9007199254740993"}) {
    ASSERT_TRUE(subscribe("eu", inbox, strange));
    EXPECT_EQ(inbox.back().id, "1") << strange;
  }
}

TEST_F(PushHubTest, RefusedRequestIsNoSubscription) {
  std::vector<http::Event> inbox;
  const auto refused = subscribe("mars", inbox);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error.message, "no such region");
  EXPECT_THAT(inbox, IsEmpty());
  EXPECT_EQ(hub_.size(), 0u);
}

TEST_F(PushHubTest, ClientOfAVanishedRegionKeepsWhatItHas) {
  std::vector<http::Event> inbox;
  ASSERT_TRUE(subscribe("eu", inbox));
  urls_.erase("eu");
  EXPECT_EQ(hub_.update(), 0u);
  urls_["eu"] = "turn:new";
  EXPECT_EQ(hub_.update(), 1u);
}

TEST_F(PushHubTest, WhoLeftIsToldNothing) {
  std::vector<http::Event> inbox;
  const auto subscription = subscribe("eu", inbox);
  ASSERT_TRUE(subscription);
  hub_.unsubscribe(*subscription);
  urls_["eu"] = "turn:us";
  EXPECT_EQ(hub_.update(), 0u);
  EXPECT_THAT(inbox, SizeIs(1));
}

}  // namespace
}  // namespace turnkeeper::monitor
