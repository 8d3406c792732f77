#include "agent/relay_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(RelayConfigTest, ReadsWhatTheOperatorWrites) {
  const auto config = parse_relay_config(R"({
      "realm": "turn.example.org",
      "ports": {"turn": 3479, "turns": 443, "relayMin": 50000, "relayMax": 50100},
      "limits": {"sessions": 5, "sessionsPerUser": 2, "bitsPerSecondPerSession": 8000000000, "bitsPerSecond": 1},
      "peers": {"deny": ["8.8.8.0/24"], "allow": ["10.0.0.0/8"]},
      "transports": ["TCP", "TLS", "DTLS"],
      "addressFrom": "map", "waitForAddress": true, "ipFamilies": ["IPv6"]})");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->realm, "turn.example.org");
  EXPECT_EQ(config->ports, (api::Ports{3479, 443, 50000, 50100}));
  EXPECT_EQ(config->limits, (api::Limits{5, 2, 8'000'000'000, 1}));
  EXPECT_THAT(config->peers.deny, ElementsAre("8.8.8.0/24"));
  EXPECT_THAT(config->peers.allow, ElementsAre("10.0.0.0/8"));
  EXPECT_THAT(config->transports, ElementsAre(api::Transport::tcp, api::Transport::tls, api::Transport::dtls));
  EXPECT_EQ(config->address_from, RelayConfig::AddressFrom::map);
  EXPECT_TRUE(config->wait_for_address);
  EXPECT_THAT(config->ip_families, ElementsAre(api::IpFamily::v6));
}

TEST(RelayConfigTest, FillsInTheSameDefaultsAsTheApi) {
  const auto config = parse_relay_config(R"({"realm": "turn.example.org"})");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->ports, api::Ports{});
  EXPECT_EQ(config->limits, api::Limits{});
  EXPECT_EQ(config->peers, api::Peers{});
  EXPECT_THAT(config->transports, ElementsAre(api::Transport::udp, api::Transport::tcp));
  EXPECT_EQ(config->address_from, RelayConfig::AddressFrom::pod);
  EXPECT_FALSE(config->wait_for_address);
  EXPECT_THAT(config->ip_families, IsEmpty());
}

TEST(RelayConfigTest, NamesTheFieldThatIsWrong) {
  for (const auto& [json, expected] : std::vector<std::pair<std::string, std::string>>{
           {"", "not JSON"},
           {"[]", "must be an object"},
           {"{}", "realm is missing"},
           {R"({"realm": 7})", "realm must be a string"},
           {R"({"realm": "x", "relam": "y"})", "relam is not a known field"},
           {R"({"realm": "x", "ports": 3478})", "ports must be an object"},
           {R"({"realm": "x", "ports": {"turn": 70000}})", "ports.turn must be a whole number from 1 to 65535"},
           {R"({"realm": "x", "ports": {"turn": 0}})", "ports.turn"},
           {R"({"realm": "x", "ports": {"trun": 5349}})", "ports.trun is not a known field"},
           {R"({"realm": "x", "limits": {"sessions": -1}})", "limits.sessions"},
           {R"({"realm": "x", "limits": {"sessions": 1.5}})", "limits.sessions"},
           {R"({"realm": "x", "limits": {"sessions": 4294967296}})", "limits.sessions"},
           {R"({"realm": "x", "peers": {"deny": [1]}})", "peers.deny must be a list of strings"},
           {R"({"realm": "x", "transports": ["SCTP"]})", "\"SCTP\", which is none of UDP, TCP, TLS, DTLS"},
           {R"({"realm": "x", "ipFamilies": ["v4"]})", "none of IPv4, IPv6"},
           {R"({"realm": "x", "addressFrom": "node"})", "none of pod, map"},
           {R"({"realm": "x", "waitForAddress": 1})", "waitForAddress must be true or false"}}) {
    const auto config = parse_relay_config(json);
    ASSERT_FALSE(config) << json;
    EXPECT_THAT(config.error().message, HasSubstr(expected)) << json;
    EXPECT_FALSE(config.error().advice.empty()) << json;
  }
}

}  // namespace
}  // namespace turnkeeper::agent
