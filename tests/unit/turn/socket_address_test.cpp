#include "turnkeeper/turn/socket_address.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::turn {
namespace {

TEST(SocketAddress, TextFormsRoundTrip) {
  for (const char* text : {"192.0.2.1:3478", "0.0.0.0:0", "255.255.255.255:65535", "[2001:db8::1]:3478", "[::]:1",
                           "[::ffff:192.0.2.1]:5"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_TRUE(address) << address.error().text();
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(SocketAddress, WrongTextIsAnErrorThatQuotesIt) {
  for (const char* text :
       {"", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:1x", "192.0.2:1",
        "2001:db8::1:3478", "[2001:db8::1]", "[192.0.2.1]:1", "[fe80::1%eth0]:1", "host:1", " 1.2.3.4:1", "[]:1"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_FALSE(address.error().advice.empty());
  }
  EXPECT_FALSE(SocketAddress::from_ip(std::string_view("1.2.3.4\0x", 9), 1));
}

TEST(SocketAddress, EqualityIsByFamilyAddressAndPort) {
  EXPECT_EQ(*SocketAddress::parse("192.0.2.1:1"), *SocketAddress::from_ip("192.0.2.1", 1));
  EXPECT_NE(*SocketAddress::parse("192.0.2.1:1"), *SocketAddress::parse("192.0.2.1:2"));
  EXPECT_NE(*SocketAddress::parse("192.0.2.1:1"), *SocketAddress::parse("[::ffff:192.0.2.1]:1"));
}

}  // namespace
}  // namespace turnkeeper::turn
