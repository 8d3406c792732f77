#include "agent/traffic.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::agent {
namespace {

using namespace std::chrono_literals;

TEST(TrafficTest, AddsUpAllInterfacesButTheLoopback) {
  const auto traffic = parse_net_dev(R"(Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 99999999 1000    0    0    0     0          0         0 99999999 1000    0    0    0     0       0          0
  eth0: 5000000000  20    1    2    3     4          5         6     700      8    0    0    0     0       0          0
net1:100 1 0 0 0 0 0 0 10 1 0 0 0 0 0 0
)");
  ASSERT_TRUE(traffic) << traffic.error().text();
  EXPECT_EQ(*traffic, (Traffic{.sent_bytes = 710, .received_bytes = 5'000'000'100}));
}

TEST(TrafficTest, DoesNotTakeNonsenseForZero) {
  EXPECT_FALSE(parse_net_dev(""));
  EXPECT_FALSE(parse_net_dev("eth0: many bytes\n"));
}

TEST(TrafficTest, CountsFromTheFirstSampleOn) {
  ManualClock clock;
  TrafficCounter counter;
  EXPECT_FALSE(counter.total());
  counter.add(clock.steady(), {1000, 5000});
  EXPECT_EQ(counter.total(), (Traffic{0, 0}));
  EXPECT_FALSE(counter.bits_per_second());
  clock.advance(10s);
  counter.add(clock.steady(), {1500, 5750});
  EXPECT_EQ(counter.total(), (Traffic{500, 750}));
  EXPECT_EQ(counter.bits_per_second(), 1000U);
}

TEST(TrafficTest, ForgetsWhatIsOlderThanAMinute) {
  ManualClock clock;
  TrafficCounter counter;
  std::uint64_t bytes = 0;
  counter.add(clock.steady(), {bytes, 0});
  const auto go_on = [&](int samples, std::uint64_t each) {
    for (int i = 0; i < samples; ++i) {
      clock.advance(5s);
      counter.add(clock.steady(), {bytes += each, 0});
    }
  };
  go_on(100, 5000);
  EXPECT_EQ(counter.bits_per_second(), 8000U);
  go_on(6, 0);
  EXPECT_EQ(counter.bits_per_second(), 4000U);
  go_on(6, 0);
  EXPECT_EQ(counter.bits_per_second(), 0U);
  EXPECT_EQ(counter.total()->sent_bytes, 500'000U);
}

}  // namespace
}  // namespace turnkeeper::agent
