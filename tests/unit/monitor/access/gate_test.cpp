#include "monitor/access/gate.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

Presented with_key(const std::string& key) {
  return {.key = Secret(key), .address = "192.0.2.1:4000"};
}

TEST(GateTest, WhoHasTheKeyGetsInAndNobodyElse) {
  const Gate gate({.key = Secret("open sesame"), .anonymous = true});
  EXPECT_TRUE(gate.admit(with_key("open sesame")));
  for (const auto* wrong : {"", "open", "open sesame ", " open sesame"}) {
    const auto refused = gate.admit(with_key(wrong));
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().status, 401);
    EXPECT_EQ(refused.error().error.text().find("open sesame"), std::string::npos);
  }
}

TEST(GateTest, WithoutAKeyStrangersGetInOnlyWhereThatWasAllowed) {
  const auto caller = Gate({.key = {}, .anonymous = true}).admit(with_key(""));
  ASSERT_TRUE(caller);
  EXPECT_TRUE(caller->anonymous);
  EXPECT_FALSE(Gate({.key = {}, .anonymous = false}).admit(with_key("anything")));
}

TEST(GateTest, OnlyWhatThisMachineAloneReachesIsLoopback) {
  for (const auto* address : {"127.0.0.1:8480", "127.1.2.3:0", "[::1]:80", "localhost:80", "unix:/run/m.sock"}) {
    EXPECT_TRUE(is_loopback(address)) << address;
  }
  for (const auto* address : {"0.0.0.0:8480", "[::]:80", "192.0.2.1:80", "[::12]:80", "localhost.example.org:80"}) {
    EXPECT_FALSE(is_loopback(address)) << address;
  }
}

}  // namespace
}  // namespace turnkeeper::monitor
