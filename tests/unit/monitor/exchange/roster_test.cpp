#include "monitor/exchange/roster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/exchange/batch_proto.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const SteadyTime start{1000s};
const SystemTime noon{1'790'000'000s};

v1::ObservationBatch batch_at(std::chrono::nanoseconds uptime, const std::vector<std::string>& relays) {
  v1::ObservationBatch batch;
  batch.set_complete(true);
  *batch.mutable_uptime() = duration_to_proto(uptime);
  batch.mutable_sent()->set_seconds(unix_seconds(noon));
  for (const auto& relay : relays) batch.add_observations()->mutable_key()->set_relay(relay);
  return batch;
}

TEST(Roster, WhoFallsSilentIsToldOnceItsWordIsOld) {
  Roster roster;
  EXPECT_FALSE(roster.admit("us", "1"));
  ASSERT_TRUE(roster.take("us", "1", batch_at(50s, {}), start, noon));
  for (auto now = start; now <= start + 5s; now += 100ms) EXPECT_THAT(roster.silent(now, 5s), IsEmpty());
  EXPECT_THAT(roster.silent(start + 5'100ms, 5s), ElementsAre("us"));
}

// What the others said meanwhile waits in its sockets: without this it would forget everybody, and judge alone.
TEST(Roster, AProcessThatStoodStillTakesNobodyForSilent) {
  Roster roster;
  roster.admit("us", "1");
  ASSERT_TRUE(roster.take("us", "1", batch_at(50s, {}), start, noon));
  EXPECT_THAT(roster.silent(start + 100ms, 5s), IsEmpty());
  for (auto now = start + 20s; now <= start + 25s; now += 100ms) EXPECT_THAT(roster.silent(now, 5s), IsEmpty());
  EXPECT_THAT(roster.silent(start + 25'100ms, 5s), ElementsAre("us")) << "that one is gone indeed";
}

TEST(Roster, ARestartedMonitorTakesBackWhatItSeesNoMore) {
  Roster roster;
  roster.admit("us", "1");
  ASSERT_TRUE(roster.take("us", "1", batch_at(50s, {"a", "b"}), start, noon));
  EXPECT_TRUE(roster.admit("us", "2"));
  const auto heard = roster.take("us", "2", batch_at(1s, {"a"}), start + 1s, noon);
  ASSERT_TRUE(heard);
  ASSERT_EQ(heard->seen.size(), 2U);
  EXPECT_TRUE(heard->seen[1].observation.blind);
  EXPECT_FALSE(roster.take("us", "1", batch_at(52s, {"b"}), start + 2s, noon)) << "its last words come too late";
}

}  // namespace
}  // namespace turnkeeper::monitor
