#include "turnkeeper/base/address_range.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string read(const std::string& text) {
  const auto range = parse_range(text);
  return range ? range->text() : range.error().text();
}

TEST(AddressRangeTest, ReadsTheThreeFormsPeopleWrite) {
  EXPECT_EQ(read("10.1.2.3"), "10.1.2.3");
  EXPECT_EQ(read("10.0.0.0/8"), "10.0.0.0-10.255.255.255");
  EXPECT_EQ(read("192.168.0.9-192.168.1.3"), "192.168.0.9-192.168.1.3");
  EXPECT_EQ(read("2001:DB8::1"), "2001:db8::1");
  EXPECT_EQ(read("fc00::/7"), "fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  EXPECT_EQ(read("203.0.113.7/32"), "203.0.113.7");
}

TEST(AddressRangeTest, EveryRangeIsAFewAlignedBlocks) {
  const auto blocks_of = [](const char* text) {
    std::vector<std::string> blocks;
    for (const auto& block : cidr_blocks(*parse_range(text))) blocks.push_back(block.text());
    return blocks;
  };
  EXPECT_THAT(blocks_of("2001:db8::1-2001:db8::6"),
              ElementsAre("2001:db8::1", "2001:db8::2-2001:db8::3", "2001:db8::4-2001:db8::5", "2001:db8::6"));
  EXPECT_THAT(blocks_of("10.0.0.255-10.0.2.0"), ElementsAre("10.0.0.255", "10.0.1.0-10.0.1.255", "10.0.2.0"));
  EXPECT_THAT(blocks_of("::/0"), ElementsAre("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
}

TEST(AddressRangeTest, ContainsItsEndsAndNothingOfTheOtherFamily) {
  const AddressRange range = *parse_range("10.0.0.0/8");
  EXPECT_TRUE(range.contains(*parse_address("10.0.0.0")));
  EXPECT_TRUE(range.contains(*parse_address("10.255.255.255")));
  EXPECT_FALSE(range.contains(*parse_address("11.0.0.0")));
  EXPECT_FALSE(range.contains(*parse_address("9.255.255.255")));
  EXPECT_FALSE(range.contains(*parse_address("a00::")));
}

TEST(AddressRangeTest, SaysWhatIsWrongWithAnEntry) {
  for (const auto& [text, why] :
       std::vector<std::pair<std::string, std::string>>{{"10.0.0.0/33", "from 0 to 32"},
                                                        {"10.0.0.1/8", "bits are set"},
                                                        {"10.0.0.9-10.0.0.1", "ends before it begins"},
                                                        {"10.0.0.1-::1", "different families"},
                                                        {"example.org", "not an IP address"},
                                                        {"10.0.0.1-", "not an IP address"},
                                                        {"10.0.0.1/", "from 0 to 32"},
                                                        {"", "not an IP address"},
                                                        {"10.0.0.1 ", "not an IP address"}}) {
    const auto range = parse_range(text);
    ASSERT_FALSE(range) << text;
    EXPECT_THAT(range.error().message, HasSubstr(why)) << text;
    EXPECT_FALSE(range.error().advice.empty());
  }
}

}  // namespace
}  // namespace turnkeeper
