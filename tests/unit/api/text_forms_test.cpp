#include "turnkeeper/api/text_forms.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::api {
namespace {

using namespace std::chrono_literals;

TEST(Duration, IsReadAsKubernetesWritesIt) {
  EXPECT_EQ(parse_duration("24h").value(), 24h);
  EXPECT_EQ(parse_duration("1h30m").value(), 90min);
  EXPECT_EQ(parse_duration("100ms").value(), 100ms);
  EXPECT_EQ(parse_duration("1m1s1ms").value(), 61001ms);
  EXPECT_EQ(parse_duration("0s").value(), 0ms);
}

TEST(Duration, RefusesWhatHasNoClearMeaning) {
  for (const char* text : {"", "h", "24", "1d", "-1h", "1.5h", "1h ", " 1h", "1h30", "1hm", "99999999999999999999h",
                           "9999999999h", "9223372036854775807ms"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
}

TEST(Duration, IsWrittenAsItIsRead) {
  for (const auto duration : {0ms, 1ms, 61001ms, 3'600'000ms, 5'400'000ms, 172'800'000ms}) {
    EXPECT_EQ(parse_duration(duration_text(duration)).value(), duration);
  }
  EXPECT_EQ(duration_text(90min), "1h30m");
}

TEST(Peer, IsAnAddressACidrOrARange) {
  for (const char* text : {"192.0.2.1", "2001:db8::1", "10.0.0.0/8", "0.0.0.0/0", "fc00::/7", "10.0.0.1-10.0.0.1",
                           "10.0.0.9-10.0.1.0", "2001:db8::1-2001:db8::ff"}) {
    EXPECT_TRUE(check_peer(text).has_value()) << text;
  }
  for (const char* text :
       {"", "example.org", "10.0.0", "10.0.0.1/", "10.0.0.1/33", "10.0.0.0/-1", "fc00::/129", "10.0.0.9-10.0.0.1",
        "10.0.0.1-", "-10.0.0.1", "10.0.0.1-2001:db8::1", "10.0.0.1-10.0.0.2-10.0.0.3", "10.0.0.1/8/8"}) {
    EXPECT_FALSE(check_peer(text).has_value()) << text;
  }
}

TEST(StunServer, IsAUriOfRfc7064) {
  for (const char* text : {"stun:stun.example.org:3478", "stun:192.0.2.1", "stun:[2001:db8::1]:3478", "stun:[::1]"}) {
    EXPECT_TRUE(is_stun_server(text)) << text;
  }
  for (const char* text :
       {"", "stun:", "stun.example.org:3478", "turn:stun.example.org:3478", "stun:host:0", "stun:host:65536",
        "stun:host:", "stun://host", "stun:[2001:db8::1", "stun:[192.0.2.1]", "stun:a b"}) {
    EXPECT_FALSE(is_stun_server(text)) << text;
  }
}

TEST(DnsLabel, StartsWithALetterSinceServicesAreNamedAfterIt) {
  for (const char* text : {"eu", "eu-west-1", "a"}) EXPECT_TRUE(is_dns_label(text)) << text;
  for (const char* text : {"", "1eu", "-eu", "eu-", "EU", "eu.west", "eu_west", "é"})
    EXPECT_FALSE(is_dns_label(text)) << text;
  EXPECT_TRUE(is_dns_label(std::string(63, 'a')));
  EXPECT_FALSE(is_dns_label(std::string(64, 'a')));
}

TEST(DnsName, IsLabelsWithDotsBetween) {
  for (const char* text : {"turn.example.org", "a", "1.2", "turn-tls"}) EXPECT_TRUE(is_dns_name(text)) << text;
  for (const char* text : {"", ".", "a.", ".a", "a..b", "A.b", "a_b", "-a.b", "a-.b"})
    EXPECT_FALSE(is_dns_name(text)) << text;
}

TEST(QualifiedName, IsTheKeyOfAnAnnotation) {
  for (const char* text : {"address", "example.org/public-address", "a.b/C_d.e"})
    EXPECT_TRUE(is_qualified_name(text)) << text;
  for (const char* text : {"", "/a", "a/", "Example.org/a", "a/b/c", "-a", "a b"})
    EXPECT_FALSE(is_qualified_name(text)) << text;
}

TEST(Amount, IsADecimalWithoutAUnit) {
  for (const char* text : {"0", "45", "0.01", "123456789.123456"}) EXPECT_TRUE(is_amount(text)) << text;
  for (const char* text : {"", "-1", "1.", ".5", "1,5", "1e3", "45 USD", "1234567890", "inf"})
    EXPECT_FALSE(is_amount(text)) << text;
}

TEST(Addresses, AreOneOrOneOfEachFamily) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(addresses_of("192.0.2.1").value(), (Texts{"192.0.2.1"}));
  EXPECT_EQ(addresses_of(" 2001:db8::1 , 192.0.2.1").value(), (Texts{"2001:db8::1", "192.0.2.1"}));
  for (const char* text : {"", ",", "192.0.2.1,", "192.0.2.1,192.0.2.2", "turn.example.org", "192.0.2.1:3478",
                           "192.0.2.1,2001:db8::1,192.0.2.2", "192.0.2.0/24"}) {
    EXPECT_FALSE(addresses_of(text).has_value()) << text;
  }
}

TEST(Quantity, IsWhatKubernetesTakes) {
  for (const char* text : {"1", "0.5", "500m", "256Mi", "1.5Gi", "2E"}) EXPECT_TRUE(is_quantity(text)) << text;
  for (const char* text : {"", "m", "1.", ".5", "1 Gi", "1gi", "-1", "two"}) EXPECT_FALSE(is_quantity(text)) << text;
}

}  // namespace
}  // namespace turnkeeper::api
