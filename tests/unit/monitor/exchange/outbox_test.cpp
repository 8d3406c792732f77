#include "monitor/exchange/outbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const SteadyTime start{1000s};

RelayId relay(const std::string& name) {
  return {"calls", "eu", name};
}

SeenRelay seen(const std::string& name, bool usable, SteadyTime at = start) {
  return {relay(name), {.vantage = "here", .usable = usable, .at = at}};
}

v1::ObservationBatch take(const Outbox& outbox, Outbox::Cursor& cursor, SteadyTime now = start) {
  v1::ObservationBatch batch;
  outbox.take(cursor, now, batch);
  return batch;
}

std::vector<std::string> names(const v1::ObservationBatch& batch) {
  std::vector<std::string> names;
  for (const auto& one : batch.observations()) names.push_back(one.key().relay());
  return names;
}

TEST(Outbox, ANewPeerHearsEverythingOnce) {
  Outbox outbox;
  outbox.put({seen("a", true), seen("b", false)});
  Outbox::Cursor peer;
  const auto first = take(outbox, peer);
  EXPECT_TRUE(first.complete());
  EXPECT_THAT(names(first), UnorderedElementsAre("a", "b"));
  EXPECT_FALSE(outbox.has_news(peer));
  EXPECT_THAT(names(take(outbox, peer)), IsEmpty());
}

TEST(Outbox, TheSameOpinionAgainIsNoNews) {
  Outbox outbox;
  outbox.put({seen("a", true)});
  Outbox::Cursor peer;
  (void)take(outbox, peer);
  outbox.put({seen("a", true, start + 1s)});
  EXPECT_FALSE(outbox.has_news(peer)) << "each echo would cost a message to each peer";
}

TEST(Outbox, ARoundTripIsNewsOnceItHasChangedByAFifth) {
  const auto measured = [](std::optional<std::chrono::microseconds> round_trip) {
    auto one = seen("a", true);
    one.observation.round_trip = round_trip;
    return std::vector{one};
  };
  Outbox outbox;
  outbox.put(measured({}));
  Outbox::Cursor peer;
  (void)take(outbox, peer);
  outbox.put(measured(80ms));
  EXPECT_EQ(take(outbox, peer).observations(0).round_trip_us(), 80'000U);
  for (const auto wavering : {81ms, 95ms, 70ms}) {
    outbox.put(measured(wavering));
    EXPECT_FALSE(outbox.has_news(peer)) << wavering.count();
  }
  for (auto creeping = 80ms; creeping <= 97ms; ++creeping) outbox.put(measured(creeping));
  EXPECT_EQ(take(outbox, peer).observations(0).round_trip_us(), 97'000U) << "in small steps it changes too";
  outbox.put(measured(300us));
  (void)take(outbox, peer);
  outbox.put(measured(900us));
  EXPECT_FALSE(outbox.has_news(peer)) << "on one machine it doubles at every whim";
}

TEST(Outbox, APeerThatWasSlowGetsTheNewestOfEachRelayAndNoHistory) {
  Outbox outbox;
  outbox.put({seen("a", true), seen("b", true), seen("c", true)});
  Outbox::Cursor slow;
  (void)take(outbox, slow);
  for (int i = 0; i < 1'000; ++i) {
    outbox.put({seen("a", i % 2 == 0)});
    outbox.put({seen("b", i % 2 == 1)});
  }
  const auto batch = take(outbox, slow);
  EXPECT_FALSE(batch.complete());
  EXPECT_THAT(names(batch), ElementsAre("a", "b")) << "memory for a slow peer would grow with each change";
  EXPECT_FALSE(batch.observations(0).usable());
  EXPECT_TRUE(batch.observations(1).usable());
}

TEST(Outbox, EachPeerHasItsOwnPlace) {
  Outbox outbox;
  Outbox::Cursor quick, slow;
  outbox.put({seen("a", true)});
  (void)take(outbox, quick);
  outbox.put({seen("b", true)});
  EXPECT_THAT(names(take(outbox, quick)), ElementsAre("b"));
  EXPECT_THAT(names(take(outbox, slow)), ElementsAre("a", "b"));
}

TEST(Outbox, ARelayThatLeavesTheFleetIsTakenBack) {
  Outbox outbox;
  outbox.put({seen("a", true), seen("b", false)});
  Outbox::Cursor peer;
  (void)take(outbox, peer);
  outbox.keep_only({relay("a")});
  ASSERT_TRUE(outbox.has_news(peer));
  const auto batch = take(outbox, peer);
  EXPECT_TRUE(batch.complete());
  EXPECT_THAT(names(batch), ElementsAre("a"));
  outbox.keep_only({relay("a"), relay("c")});
  EXPECT_FALSE(outbox.has_news(peer)) << "nothing was taken back";
}

TEST(Outbox, ACanaryThatStandsStillIsNoLongerVouchedFor) {
  Outbox outbox;
  outbox.put({seen("a", true), seen("b", false)});
  Outbox::Cursor peer;
  (void)take(outbox, peer);
  outbox.expire(start + 2s);
  EXPECT_FALSE(outbox.has_news(peer));
  outbox.expire(start + 3s);
  const auto batch = take(outbox, peer, start + 3s);
  ASSERT_THAT(names(batch), ElementsAre("a")) << "a dead relay stays dead until its canary says otherwise";
  EXPECT_TRUE(batch.observations(0).blind());
  outbox.put({seen("a", true, start + 4s)});
  EXPECT_FALSE(take(outbox, peer, start + 4s).observations(0).blind());
}

}  // namespace
}  // namespace turnkeeper::monitor
