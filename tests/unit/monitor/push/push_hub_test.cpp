#include "monitor/push/push_hub.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <optional>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Pushed {
  IceConfig config;
  PushReason reason = PushReason::start;
  std::uint64_t id = 0;
};

// A world of one list for each region, which tests change.
class PushHubTest : public ::testing::Test {
 protected:
  IceResult<PushHub::Subscription> subscribe(const std::string& region, std::vector<Pushed>& inbox,
                                             const std::string& last_event_id = "",
                                             const std::string& session = "call") {
    return hub_.subscribe({.region = region, .user = "alice", .session = session}, last_event_id,
                          [&](const Push& push) {
                            inbox.push_back({push.config, push.reason, push.id});
                          });
  }

  // Everything that there is to do now; returns how many were told.
  std::size_t settle() {
    std::size_t told = 0;
    for (bool more = true; more;) {
      const auto progress = hub_.work(100);
      told += progress.told;
      more = progress.more;
    }
    return told;
  }
  std::size_t change() {
    hub_.changed();
    return settle();
  }
  std::size_t pass(std::chrono::nanoseconds time) {
    clock_.advance(time);
    hub_.on_time();
    return settle();
  }

  static std::string url(const Pushed& pushed) { return pushed.config.servers.at(0).urls.at(0); }

  IceResult<IceConfig> make(const IceRequest& request) {
    ++made_;
    if (!urls_.contains(request.region)) {
      return tl::unexpected(IceFailure{IceFailure::Kind::not_found, {"no such region", ""}});
    }
    IceConfig config{.servers = {},
                     .expires = clock_.system() + 24h,
                     .refresh_at = clock_.system() + 18h,
                     .cluster = "calls",
                     .region = request.region,
                     .served_by = "",
                     .key = key_};
    for (const auto& url : urls_.at(request.region)) {
      config.servers.push_back({.urls = {url}, .username = request.user, .credential = {}, .relay = url});
    }
    config.servers.push_back({.urls = {"stun:s"}});
    return config;
  }

  ManualClock clock_;
  std::map<std::string, std::vector<std::string>> urls_{{"eu", {"turn:eu"}}, {"us", {"turn:us"}}};
  std::map<UrlHash, Standing> standings_;
  std::string key_ = "k1";
  std::map<std::string, std::size_t> counts_;
  std::size_t made_ = 0;
  PushHub hub_{
      [this](const IceRequest& request) { return make(request); },
      [this](const std::string& cluster, UrlHash url) {
        EXPECT_EQ(cluster, "calls");
        const auto found = standings_.find(url);
        return found == standings_.end() ? Standing::good : found->second;
      },
      clock_,
      [this](const std::string&, const std::string& region, std::size_t clients) { counts_[region] = clients; }};
};

TEST_F(PushHubTest, ClientGetsItsConfigAtOnce) {
  std::vector<Pushed> inbox;
  ASSERT_TRUE(subscribe("eu", inbox));
  ASSERT_THAT(inbox, SizeIs(1));
  EXPECT_EQ(inbox[0].reason, PushReason::start);
  EXPECT_EQ(inbox[0].id, 1u);
  EXPECT_EQ(url(inbox[0]), "turn:eu");
}

TEST_F(PushHubTest, OnlyThoseWhoseListChangedAreTold) {
  std::vector<Pushed> eu;
  std::vector<Pushed> us;
  ASSERT_TRUE(subscribe("eu", eu));
  ASSERT_TRUE(subscribe("us", us));
  EXPECT_EQ(change(), 0u);
  urls_["eu"] = {"turn:us"};
  standings_[url_hash("turn:eu")] = Standing::bad;
  EXPECT_EQ(change(), 1u);
  ASSERT_THAT(eu, SizeIs(2));
  EXPECT_EQ(eu[1].reason, PushReason::failover);
  EXPECT_EQ(url(eu[1]), "turn:us");
  EXPECT_EQ(eu[1].id, 2u);
  EXPECT_THAT(us, SizeIs(1)) << "a client was told to move for nothing";
  EXPECT_EQ(change(), 0u) << "one change is one message";
}

TEST_F(PushHubTest, ChangeThatWentBackBetweenTwoUpdatesMovesNobody) {
  std::vector<Pushed> inbox;
  ASSERT_TRUE(subscribe("eu", inbox));
  urls_["eu"] = {"turn:us"};
  urls_["eu"] = {"turn:eu"};
  EXPECT_EQ(change(), 0u);
}

TEST_F(PushHubTest, CredentialsAreRenewedBeforeTheyExpire) {
  std::vector<Pushed> inbox;
  ASSERT_TRUE(subscribe("eu", inbox));
  EXPECT_EQ(pass(18h - 1s), 0u);
  EXPECT_EQ(pass(1s), 1u);
  EXPECT_EQ(inbox.back().reason, PushReason::expiry);
  EXPECT_EQ(pass(1s), 0u);
}

TEST_F(PushHubTest, NobodyIsLookedAtWhileNothingHappens) {
  std::vector<Pushed> inbox;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(subscribe("eu", inbox));
  made_ = 0;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pass(1s), 0u);
  EXPECT_EQ(made_, 0u) << "ten thousand idle clients cost as much as busy ones";
}

TEST_F(PushHubTest, ADrainIsToldAsSuch) {
  std::vector<Pushed> inbox;
  ASSERT_TRUE(subscribe("eu", inbox));
  standings_[url_hash("turn:eu")] = Standing::draining;
  urls_["eu"] = {"turn:us"};
  EXPECT_EQ(change(), 1u);
  EXPECT_EQ(inbox.back().reason, PushReason::drain);
}

TEST_F(PushHubTest, AnotherSigningKeyIsPushedAtOnceThoughTheListIsTheSame) {
  std::vector<Pushed> inbox;
  ASSERT_TRUE(subscribe("eu", inbox));
  key_ = "k2";
  EXPECT_EQ(change(), 1u) << "a client kept credentials of a key that was taken back";
  EXPECT_EQ(inbox.back().reason, PushReason::rotation);
  EXPECT_EQ(change(), 0u);
}

TEST_F(PushHubTest, ABackupThatFellIsReplacedAtOnce) {
  std::vector<Pushed> inbox;
  urls_["eu"] = {"turn:eu", "turn:us"};
  ASSERT_TRUE(subscribe("eu", inbox));
  standings_[url_hash("turn:us")] = Standing::bad;
  urls_["eu"] = {"turn:eu", "turn:asia"};
  EXPECT_EQ(change(), 1u);
  EXPECT_EQ(inbox.back().reason, PushReason::change);
}

TEST_F(PushHubTest, RecoveryIsSpreadOverAMinuteAndBothEndsMoveTogether) {
  std::map<std::string, std::vector<Pushed>> alice, bob;
  for (int i = 0; i < 600; ++i) {
    const auto session = "call-" + std::to_string(i);
    ASSERT_TRUE(subscribe("eu", alice[session], "", session));
    ASSERT_TRUE(subscribe("eu", bob[session], "", session));
  }
  urls_["eu"] = {"turn:eu-0", "turn:eu"};  // better than what they have, which is as good as it was
  EXPECT_LT(change(), 20u);
  std::vector<std::size_t> told;
  for (int second = 0; second < 60; ++second) told.push_back(pass(1s));
  EXPECT_LT(*std::ranges::max_element(told), 60u) << "clients came back in a storm";
  for (const auto& [session, inbox] : alice) {
    ASSERT_THAT(inbox, SizeIs(2)) << session;
    EXPECT_EQ(inbox.back().reason, PushReason::recovery);
    EXPECT_THAT(bob[session], SizeIs(2));
  }
  EXPECT_EQ(pass(60s), 0u);
}

TEST_F(PushHubTest, BothEndsOfASessionComeBackInTheSameSecond) {
  std::vector<Pushed> alice, bob;
  ASSERT_TRUE(subscribe("eu", alice));
  ASSERT_TRUE(subscribe("eu", bob));
  urls_["eu"] = {"turn:eu-0"};
  change();
  for (int second = 0; second < 60; ++second) {
    pass(1s);
    EXPECT_EQ(alice.size(), bob.size()) << "one end left the relay that the other is still on";
  }
  EXPECT_THAT(alice, SizeIs(2));
}

TEST_F(PushHubTest, WhatGoesWrongWhileARecoveryWaitsIsToldAtOnce) {
  std::vector<Pushed> inbox;
  ASSERT_TRUE(subscribe("eu", inbox));
  urls_["eu"] = {"turn:eu-0"};
  if (change() == 0) {
    standings_[url_hash("turn:eu")] = Standing::bad;
    EXPECT_EQ(change(), 1u);
    EXPECT_EQ(inbox.back().reason, PushReason::failover);
  }
  EXPECT_EQ(pass(61s), 0u) << "and not told again when its turn would have come";
}

TEST_F(PushHubTest, ARecoveryThatDidNotLastIsToldNobody) {
  std::vector<Pushed> inbox;
  ASSERT_TRUE(subscribe("eu", inbox));
  urls_["eu"] = {"turn:eu-0"};
  ASSERT_EQ(change(), 0u) << "choose another session: this one's turn is at once";
  urls_["eu"] = {"turn:eu"};
  EXPECT_EQ(change(), 0u);
  EXPECT_EQ(pass(61s), 0u);
}

TEST_F(PushHubTest, ThoseOnADeadRelayComeFirst) {
  std::vector<Pushed> eu, us;
  urls_["us"] = {"turn:us", "turn:eu"};
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(subscribe("us", us));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(subscribe("eu", eu));
  standings_[url_hash("turn:eu")] = Standing::bad;
  urls_ = {{"eu", {"turn:us"}}, {"us", {"turn:us"}}};
  hub_.changed();
  EXPECT_EQ(hub_.work(100).told, 100u);
  EXPECT_THAT(eu, SizeIs(200)) << "calls that are silent waited for those that are not";
  EXPECT_EQ(settle(), 300u);
}

TEST_F(PushHubTest, AClientMayLeaveWhileItIsTold) {
  std::optional<PushHub::Subscription> id;
  int told = 0;
  id = *hub_.subscribe({.region = "eu", .user = "alice"}, "", [&](const Push&) {
    if (++told == 2) hub_.unsubscribe(*id);
  });
  key_ = "k2";
  EXPECT_EQ(change(), 1u);
  EXPECT_EQ(hub_.size(), 0u);
  EXPECT_EQ(counts_["eu"], 0u);
  key_ = "k3";
  EXPECT_EQ(change(), 0u);
}

TEST_F(PushHubTest, ClientsAreCountedWhereTheyAre) {
  std::vector<Pushed> inbox;
  const auto first = subscribe("eu", inbox);
  ASSERT_TRUE(subscribe("eu", inbox));
  ASSERT_TRUE(subscribe("us", inbox));
  EXPECT_EQ(counts_["eu"], 2u);
  hub_.unsubscribe(*first);
  hub_.unsubscribe(*first);
  EXPECT_EQ(counts_["eu"], 1u);
  EXPECT_EQ(counts_["us"], 1u);
}

TEST_F(PushHubTest, IdsGoOnWhereTheClientLeftOff) {
  std::vector<Pushed> inbox;
  ASSERT_TRUE(subscribe("eu", inbox, "41"));
  EXPECT_EQ(inbox.back().id, 42u);
  for (const std::string strange : {"", "x", "-1", "12x", "99999999999999999999", "9007199254740993"}) {
    ASSERT_TRUE(subscribe("eu", inbox, strange));
    EXPECT_EQ(inbox.back().id, 1u) << strange;
  }
}

TEST_F(PushHubTest, RefusedRequestIsNoSubscription) {
  std::vector<Pushed> inbox;
  const auto refused = subscribe("mars", inbox);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error.message, "no such region");
  EXPECT_THAT(inbox, IsEmpty());
  EXPECT_EQ(hub_.size(), 0u);
}

TEST_F(PushHubTest, ClientOfAVanishedRegionKeepsWhatItHas) {
  std::vector<Pushed> inbox;
  ASSERT_TRUE(subscribe("eu", inbox));
  urls_.erase("eu");
  standings_[url_hash("turn:eu")] = Standing::gone;
  EXPECT_EQ(change(), 0u);
  EXPECT_EQ(pass(19h), 0u);
  urls_["eu"] = {"turn:new"};
  EXPECT_EQ(change(), 1u);
}

TEST_F(PushHubTest, WhoLeftIsToldNothing) {
  std::vector<Pushed> inbox;
  const auto subscription = subscribe("eu", inbox);
  ASSERT_TRUE(subscription);
  hub_.changed();
  hub_.unsubscribe(*subscription);
  key_ = "k2";
  EXPECT_EQ(settle(), 0u);
  EXPECT_THAT(inbox, SizeIs(1));
}

}  // namespace
}  // namespace turnkeeper::monitor
