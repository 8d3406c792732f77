#include "turnkeeper/coturn/peer_ip.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::coturn {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> values_of(const std::string& text) {
  const auto range = parse_range(text);
  return range ? peer_ip_values(*range) : std::vector<std::string>{range.error().text()};
}

TEST(PeerIpTest, EveryFormThatPeopleWriteIsOneCoturnReads) {
  EXPECT_THAT(values_of("10.1.2.3"), ElementsAre("10.1.2.3"));
  EXPECT_THAT(values_of("10.0.0.0/8"), ElementsAre("10.0.0.0-10.255.255.255"));
  EXPECT_THAT(values_of("192.168.0.9-192.168.1.3"), ElementsAre("192.168.0.9-192.168.1.3"));
  EXPECT_THAT(values_of("2001:DB8::1"), ElementsAre("2001:db8::1"));
  EXPECT_THAT(values_of("fc00::/7"), ElementsAre("fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
  EXPECT_THAT(values_of("203.0.113.7/32"), ElementsAre("203.0.113.7"));
}

TEST(PeerIpTest, CutsIpv6RangesIntoBlocksThatEveryCoturnReadsTheSameWay) {
  EXPECT_THAT(values_of("2001:db8::1-2001:db8::6"),
              ElementsAre("2001:db8::1", "2001:db8::2-2001:db8::3", "2001:db8::4-2001:db8::5", "2001:db8::6"));
  EXPECT_THAT(values_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
              ElementsAre("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
}

TEST(PeerIpTest, NeverNamesAnAddressThatCoturnTakesForEverything) {
  EXPECT_THAT(values_of("::/126"), ElementsAre("::1", "::2-::3"));
  EXPECT_THAT(values_of("::"), IsEmpty());
  EXPECT_THAT(values_of("0.0.0.0"), IsEmpty());
  for (const std::string& value : values_of("::/0")) EXPECT_FALSE(value.starts_with("::-")) << value;
  EXPECT_EQ(values_of("::/0").size(), 128U);
}

}  // namespace
}  // namespace turnkeeper::coturn
