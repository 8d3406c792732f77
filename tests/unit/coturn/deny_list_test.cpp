#include "turnkeeper/coturn/deny_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::coturn {
namespace {

bool denies(const PeerPolicy& policy, const std::string& address) {
  return policy.denies(*parse_address(address));
}

TEST(DenyListTest, KeepsRelaysOutOfEveryPrivateNetwork) {
  const auto policy = peer_policy({}, {}, {});
  ASSERT_TRUE(policy);
  for (const char* address : {"0.0.0.0",         "10.0.0.1",        "100.64.0.1",    "127.0.0.1",   "169.254.169.254",
                              "172.16.0.1",      "172.31.255.255",  "192.0.0.1",     "192.168.1.1", "198.18.0.1",
                              "224.0.0.1",       "255.255.255.255", "::1",           "::127.0.0.1", "::ffff:10.0.0.1",
                              "64:ff9b::7f00:1", "64:ff9b:1::1",    "2002:7f00:1::", "2001::1",     "fd00::1",
                              "fe80::1",         "fec0::1",         "ff02::1"}) {
    EXPECT_TRUE(denies(*policy, address)) << address;
  }
}

TEST(DenyListTest, LeavesTheInternetOpen) {
  const auto policy = peer_policy({}, {}, {});
  ASSERT_TRUE(policy);
  for (const char* address : {"1.1.1.1", "9.255.255.255", "11.0.0.1", "172.15.255.255", "172.32.0.1", "192.167.1.1",
                              "223.255.255.255", "2606:4700::1111", "2001:4860:4860::8888", "2a00::1"}) {
    EXPECT_FALSE(denies(*policy, address)) << address;
  }
}

TEST(DenyListTest, LetsUsersDenyMoreAndAllowSome) {
  const auto policy = peer_policy({"8.8.8.0/24"}, {"10.1.0.0/16", "8.8.8.8"}, {});
  ASSERT_TRUE(policy);
  EXPECT_TRUE(denies(*policy, "8.8.8.4"));
  EXPECT_FALSE(denies(*policy, "8.8.8.8"));
  EXPECT_FALSE(denies(*policy, "10.1.2.3"));
  EXPECT_TRUE(denies(*policy, "10.2.0.1"));
}

TEST(DenyListTest, AllowsTheRelaysOwnAddressOnlyWhereItWouldBeDenied) {
  const auto policy = peer_policy({}, {}, {*parse_address("10.0.0.7"), *parse_address("1.2.3.4")});
  ASSERT_TRUE(policy);
  EXPECT_FALSE(denies(*policy, "10.0.0.7"));
  EXPECT_TRUE(denies(*policy, "10.0.0.8"));
  EXPECT_EQ(policy->allowed.size(), 1U);
}

TEST(DenyListTest, NamesTheEntryThatIsWrong) {
  const auto policy = peer_policy({"10.0.0.0/8"}, {"metadata.internal"}, {});
  ASSERT_FALSE(policy);
  EXPECT_THAT(policy.error().message, testing::HasSubstr("peers.allow"));
  EXPECT_THAT(policy.error().message, testing::HasSubstr("metadata.internal"));
}

TEST(DenyListTest, EveryEntryIsAnAddressRangeWithItsReason) {
  for (const SpecialRange& range : special_ranges()) {
    EXPECT_TRUE(parse_range(range.cidr)) << range.cidr;
    EXPECT_TRUE(std::string(range.rfc).starts_with("RFC ")) << range.cidr;
  }
}

}  // namespace
}  // namespace turnkeeper::coturn
