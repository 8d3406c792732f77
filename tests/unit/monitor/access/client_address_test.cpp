#include "monitor/access/client_address.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

TEST(ClientAddressTest, AnAddressCountsWithoutItsPortAndIpv6ByTheNetworkOfASubscriber) {
  EXPECT_EQ(client_address("192.0.2.1:40000", "", {}), "192.0.2.1");
  EXPECT_EQ(client_address("[2001:db8:1:2:3::4]:40000", "", {}), "2001:db8:1:2::/64");
  EXPECT_EQ(client_address("[2001:db8:1:2:ffff::9]:1", "", {}), "2001:db8:1:2::/64");
  EXPECT_EQ(client_address("[::ffff:192.0.2.1]:40000", "", {}), "192.0.2.1");
  EXPECT_EQ(client_address("unix", "", {}), "unix");
}

TEST(ClientAddressTest, AProxySpeaksForItsClientAndNobodyElseDoes) {
  const std::vector<AddressRange> proxies{*parse_range("10.0.0.0/8"), *parse_range("2001:db8::1")};
  EXPECT_EQ(client_address("192.0.2.1:4", "198.51.100.7", proxies), "192.0.2.1")
      << "a client's own word counts for nothing";
  EXPECT_EQ(client_address("10.0.0.1:4", "198.51.100.7", proxies), "198.51.100.7");
  EXPECT_EQ(client_address("[2001:db8::1]:4", " 198.51.100.7 ", proxies), "198.51.100.7");
  EXPECT_EQ(client_address("10.0.0.1:4", "203.0.113.5, 198.51.100.7, 10.0.0.2", proxies), "198.51.100.7")
      << "what stands before the first foreign entry, from the right, anybody can write";
  EXPECT_EQ(client_address("10.0.0.1:4", "[2001:db8:9::5]:443", proxies), "2001:db8:9::/64");
  EXPECT_EQ(client_address("10.0.0.1:4", "198.51.100.7:5000", proxies), "198.51.100.7");
  for (const auto* nonsense : {"", "unknown", ",", "1.2.3", "[", "[]", ":::"}) {
    EXPECT_EQ(client_address("10.0.0.1:4", nonsense, proxies), "10.0.0.1") << nonsense;
  }
}

}  // namespace
}  // namespace turnkeeper::monitor
