#include "turnkeeper/kube/events.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::kube {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

class EventsTest : public ::testing::Test {
 protected:
  std::optional<json> add(const std::string& reason, const std::string& message = "m",
                          EventType type = EventType::warning) {
    return events.add(cluster, type, reason, message, clock.steady(), clock.system());
  }
  const json cluster = {{"apiVersion", "turnkeeper.io/v1alpha1"},
                        {"kind", "TurnCluster"},
                        {"metadata", {{"name", "turn"}, {"namespace", "ns"}, {"uid", "u1"}}}};
  ManualClock clock;
  EventAggregator events{{.component = "turnkeeper-operator"}};
};

TEST_F(EventsTest, PointsAtTheObject) {
  const auto event = add("RegionFailing", "region eu: no relay is healthy");
  ASSERT_TRUE(event);
  EXPECT_EQ((*event)["involvedObject"]["uid"], "u1");
  EXPECT_EQ((*event)["type"], "Warning");
  EXPECT_EQ((*event)["metadata"]["namespace"], "ns");
  EXPECT_EQ((*event)["count"], 1);
}

TEST_F(EventsTest, TheSameAgainCountsUpOneObject) {
  const auto first = add("RegionFailing");
  clock.advance(1min);
  const auto second = add("RegionFailing");
  ASSERT_TRUE(second);
  EXPECT_EQ((*first)["metadata"]["name"], (*second)["metadata"]["name"]);
  EXPECT_EQ((*second)["count"], 2);
  EXPECT_EQ((*second)["firstTimestamp"], (*first)["firstTimestamp"]);
  EXPECT_NE((*second)["lastTimestamp"], (*first)["lastTimestamp"]);
  clock.advance(11min);
  EXPECT_NE((*add("RegionFailing"))["metadata"]["name"], (*first)["metadata"]["name"]);
}

TEST_F(EventsTest, AFloodIsHeldBack) {
  int written = 0;
  for (int i = 0; i < 1000; ++i) written += add("R", std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(written, 25);
  clock.advance(5min);
  EXPECT_TRUE(add("R", "later"));
  EXPECT_FALSE(add("R", "one more"));
}

TEST_F(EventsTest, AFloodOfNewsSilencesNoWarning) {
  for (int i = 0; i < 1000; ++i) (void)add("RelayRenewing", std::to_string(i), EventType::normal);
  EXPECT_TRUE(add("Stalled", "the upgrade halted"));
}

}  // namespace
}  // namespace turnkeeper::kube
