#include "monitor/push/push_rounds.hpp"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// One list for everybody, and what failover_seconds is told.
class PushRoundsTest : public ::testing::Test {
 protected:
  void subscribe() {
    ASSERT_TRUE(hub_.subscribe({.region = "eu", .user = "alice"}, "", [&](const Push&) { ++told_; }));
  }
  void move_to(std::string url) {
    url_ = std::move(url);
    rounds_.changed({});
  }
  void die(std::chrono::milliseconds after) {
    clock_.advance(1s);
    rounds_.changed({{"calls", "eu", clock_.steady() - after}});
  }

  boost::asio::io_context io_;
  ManualClock clock_;
  std::string url_ = "turn:a";
  int told_ = 0;
  std::vector<std::chrono::nanoseconds> late_;
  PushHub hub_{[this](const IceRequest& request) -> IceResult<IceConfig> {
                 return IceConfig{
                     .servers = {{.urls = {url_}, .username = request.user, .credential = {}, .relay = url_}},
                     .expires = clock_.system() + 24h,
                     .refresh_at = clock_.system() + 18h,
                     .cluster = "calls",
                     .region = "eu",
                     .served_by = "eu",
                     .key = "k1"};
               },
               [](const std::string&, UrlHash) { return Standing::bad; }, clock_};
  PushRounds rounds_{
      io_.get_executor(), hub_, clock_,
      [this](const std::string&, const std::string&, std::chrono::nanoseconds late) { late_.push_back(late); }};
};

TEST_F(PushRoundsTest, ADeathIsTimedUntilEverybodyKnows) {
  subscribe();
  url_ = "turn:b";
  die(300ms);
  EXPECT_EQ(told_, 2);
  EXPECT_THAT(late_, ElementsAre(300ms));
}

// A full probe that fails before the verdict takes the relay's URL off the lists.
TEST_F(PushRoundsTest, ADeathIsTimedAlthoughClientsWereToldBeforeTheVerdict) {
  subscribe();
  move_to("turn:b");
  EXPECT_EQ(told_, 2);
  EXPECT_THAT(late_, IsEmpty());
  die(300ms);
  EXPECT_EQ(told_, 2);
  EXPECT_THAT(late_, ElementsAre(300ms));
}

TEST_F(PushRoundsTest, NothingIsTimedWhileNobodyListens) {
  die(300ms);
  EXPECT_THAT(late_, IsEmpty());
}

}  // namespace
}  // namespace turnkeeper::monitor
