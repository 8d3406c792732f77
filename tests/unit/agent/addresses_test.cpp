#include "agent/addresses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::agent {
namespace {

using coturn::OwnAddress;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<PublicAddresses> parse(const std::string& json) {
  return parse_public_addresses(json, "calls-eu-0", "node-a");
}

TEST(PublicAddressesTest, ARelaysOwnEntryWinsOverItsNodes) {
  EXPECT_THAT(parse(R"({"nodes": {"node-a": ["203.0.113.7", "2001:db8::7"], "node-b": ["203.0.113.8"]}})")->addresses,
              ElementsAre("203.0.113.7", "2001:db8::7"));
  EXPECT_THAT(parse(R"({"nodes": {"node-a": ["203.0.113.7"]}, "relays": {"calls-eu-0": ["198.51.100.4"]}})")->addresses,
              ElementsAre("198.51.100.4"));
}

TEST(PublicAddressesTest, SaysNothingOfARelayThatHasNoEntry) {
  EXPECT_THAT(parse("{}")->addresses, IsEmpty());
  EXPECT_THAT(parse(R"({"relays": {"calls-eu-1": ["198.51.100.4"]}})")->addresses, IsEmpty());
  EXPECT_FALSE(parse("{}")->bits_per_second_per_session);
  EXPECT_EQ(parse(R"({"bitsPerSecondPerSession": 1000000})")->bits_per_second_per_session, 1'000'000U);
}

TEST(PublicAddressesTest, AMistakeInAnothersEntryDoesNoHarm) {
  EXPECT_TRUE(parse(R"({"relays": {"calls-eu-1": 7, "calls-eu-2": ["nonsense"]}})"));
}

TEST(PublicAddressesTest, NamesWhatIsWrong) {
  for (const auto& [json, expected] : std::vector<std::pair<std::string, std::string>>{
           {"[", "not JSON"},
           {"[]", "must be an object"},
           {R"({"relay": {}})", "relay is not a known field"},
           {R"({"relays": {"calls-eu-0": "198.51.100.4"}})", "relays.calls-eu-0 must be a list of strings"},
           {R"({"relays": {"calls-eu-0": ["lb.example.org"]}})", "lb.example.org"},
           {R"({"bitsPerSecondPerSession": 0})", "bitsPerSecondPerSession must be a whole number from 8"}}) {
    const auto found = parse(json);
    ASSERT_FALSE(found) << json;
    EXPECT_THAT(found.error().text(), HasSubstr(expected));
  }
}

TEST(PublicAddressesTest, GivesEachFamilyItsOwnAddressAndLeavesOutTheUnreachableOne) {
  EXPECT_THAT(behind({"10.0.0.7", "fd00::7"}, {"2001:db8::7", "203.0.113.7"}).value(),
              ElementsAre(OwnAddress{"10.0.0.7", "203.0.113.7"}, OwnAddress{"fd00::7", "2001:db8::7"}));
  EXPECT_THAT(behind({"10.0.0.7", "fd00::7"}, {"203.0.113.7"}).value(),
              ElementsAre(OwnAddress{"10.0.0.7", "203.0.113.7"}));
  EXPECT_FALSE(behind({"10.0.0.7"}, {"2001:db8::7"}));
}

TEST(OwnAddressesTest, TakesTheFamiliesAskedForInTheirOrder) {
  using api::IpFamily;
  EXPECT_THAT(own_addresses("10.0.0.7,fd00::7", {}).value(), ElementsAre("10.0.0.7", "fd00::7"));
  EXPECT_THAT(own_addresses("10.0.0.7,fd00::7", {IpFamily::v6, IpFamily::v4}).value(),
              ElementsAre("fd00::7", "10.0.0.7"));
  EXPECT_THAT(own_addresses("10.0.0.7,fd00::7", {IpFamily::v4}).value(), ElementsAre("10.0.0.7"));
  EXPECT_THAT(own_addresses("10.0.0.7", {IpFamily::v6}).error().text(), HasSubstr("the relay has no IPv6 address"));
  EXPECT_FALSE(own_addresses("", {}));
  EXPECT_FALSE(own_addresses("10.0.0.7,relay.example.org", {}));
}

}  // namespace
}  // namespace turnkeeper::agent
