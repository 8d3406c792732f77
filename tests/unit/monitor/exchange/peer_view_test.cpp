#include "monitor/exchange/peer_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/exchange/batch_proto.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

const SteadyTime start{1000s};
const SystemTime noon{1'790'000'000s};

v1::ObservationBatch batch_at(std::chrono::nanoseconds uptime, const std::vector<std::string>& relays = {}) {
  v1::ObservationBatch batch;
  *batch.mutable_uptime() = duration_to_proto(uptime);
  batch.mutable_sent()->set_seconds(unix_seconds(noon));
  for (const auto& relay : relays) {
    auto& observation = *batch.add_observations();
    observation.mutable_key()->set_relay(relay);
    observation.set_usable(true);
  }
  return batch;
}

TEST(PeerView, AgesBecomeTimesOfOurs) {
  PeerView peer("us");
  auto batch = batch_at(50s, {"a"});
  *batch.mutable_observations(0)->mutable_age() = duration_to_proto(700ms);
  const auto heard = peer.take(batch, start, noon);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->seen[0].observation.at, start - 700ms);
  EXPECT_EQ(heard->seen[0].observation.vantage, "us");
  EXPECT_EQ(peer.heard(), start);
}

TEST(PeerView, ABatchThatWasHeldUpIsAsOldAsItIs) {
  PeerView peer("us");
  (void)peer.take(batch_at(50s), start, noon);
  const auto heard = peer.take(batch_at(51s, {"a"}), start + 5s, noon);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->seen[0].observation.at, start + 1s) << "what is four seconds old would pass for fresh";
  EXPECT_EQ(peer.heard(), start + 1s);
}

TEST(PeerView, ClocksThatRunAtDifferentRatesDoNotMakeAPeerOld) {
  PeerView peer("us");
  // The peer's clock loses 200 ms in each minute: 12 s in an hour.
  for (int second = 0; second < 3600; ++second) {
    const auto uptime = std::chrono::nanoseconds(second * 1s) * 299 / 300;
    (void)peer.take(batch_at(uptime), start + second * 1s, noon);
  }
  EXPECT_GE(peer.heard(), start + 3599s - 500ms);
}

TEST(PeerView, OfTwoStreamsTheOneThatLagsChangesNothing) {
  PeerView peer("us");
  (void)peer.take(batch_at(50s, {"a"}), start, noon);
  auto late = batch_at(49s, {"a"});
  late.mutable_observations(0)->set_usable(false);
  EXPECT_FALSE(peer.take(late, start + 1ms, noon)) << "an old opinion would stand until the next change";
}

TEST(PeerView, WhatACompleteBatchDoesNotMentionIsSeenNoMore) {
  PeerView peer("us");
  (void)peer.take(batch_at(50s, {"a", "b"}), start, noon);
  auto complete = batch_at(51s, {"b", "c"});
  complete.set_complete(true);
  const auto heard = peer.take(complete, start + 1s, noon);
  ASSERT_TRUE(heard);
  std::map<std::string, bool> blind;
  for (const auto& seen : heard->seen) blind[seen.id.relay] = seen.observation.blind;
  EXPECT_THAT(blind,
              testing::ElementsAre(testing::Pair("a", true), testing::Pair("b", false), testing::Pair("c", false)));
}

TEST(PeerView, ARestartedPeerTakesBackWhatItsPredecessorSaid) {
  PeerView before("us");
  (void)before.take(batch_at(50s, {"a"}), start, noon);
  PeerView after("us");
  after.inherit(before);
  auto first = batch_at(1s);
  first.set_complete(true);
  const auto heard = after.take(first, start + 1s, noon);
  ASSERT_TRUE(heard);
  ASSERT_EQ(heard->seen.size(), 1U);
  EXPECT_TRUE(heard->seen[0].observation.blind);
}

TEST(PeerView, TellsHowFarThePeersWallClockIsAhead) {
  PeerView peer("us");
  (void)peer.take(batch_at(50s), start, noon - 90s);
  EXPECT_EQ(peer.clock_difference(), 90s);
}

TEST(PeerView, NumbersThatMakeNoSenseDoNoHarm) {
  PeerView peer("us");
  v1::ObservationBatch batch;
  batch.mutable_uptime()->set_seconds(std::numeric_limits<std::int64_t>::max());
  batch.mutable_sent()->set_seconds(std::numeric_limits<std::int64_t>::min());
  batch.mutable_sent()->set_nanos(std::numeric_limits<std::int32_t>::min());
  auto& observation = *batch.add_observations();
  observation.mutable_age()->set_seconds(std::numeric_limits<std::int64_t>::max());
  observation.mutable_age()->set_nanos(-1);
  observation.set_cause("from-the-future");
  auto& memory = *batch.add_memories();
  memory.set_verdict("Healthy");
  memory.set_falls(std::numeric_limits<std::uint32_t>::max());
  memory.mutable_since()->set_seconds(std::numeric_limits<std::int64_t>::min());
  batch.add_memories()->set_verdict("Splendid");
  const auto heard = peer.take(batch, start, noon);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->seen[0].observation.cause, api::Cause::none);
  ASSERT_EQ(heard->memories.size(), 1U) << "a verdict that is not known was guessed at";
  EXPECT_GT(heard->memories[0].falls, 0);
}

}  // namespace
}  // namespace turnkeeper::monitor
