#include "monitor/service/relay_credential.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

const SystemTime now{1'700'000'000s};

Fleet one_cluster() {
  Cluster cluster{.name = "calls"};
  cluster.signing_keys = {{"k1", Secret("old"), api::SigningKey::Phase::retiring, {}},
                          {"k2", Secret("new"), api::SigningKey::Phase::issuing, {}}};
  cluster.credential_ttl = 1h;
  cluster.regions = {
      {"eu",
       {},
       {{.name = "eu-0", .host = "192.0.2.1"},
        {.name = "eu-1", .host = "192.0.2.2", .static_credential = StaticCredential{"user", Secret("pw")}}}}};
  return Fleet{{cluster}};
}

TEST(RelayCredential, TheMonitorUsesTheKeyThatClientsGet) {
  const auto credential = relay_credential(one_cluster(), {"calls", "eu", "eu-0"}, "here", now);
  ASSERT_TRUE(credential);
  EXPECT_EQ(*credential, turn::time_limited_credential(Secret("new"), "turnkeeper-monitor-here", now + 1h));
}

TEST(RelayCredential, AServerWithUsersOfItsOwnGetsItsUser) {
  const auto credential = relay_credential(one_cluster(), {"calls", "eu", "eu-1"}, "here", now);
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->username, "user");
  EXPECT_EQ(credential->password.reveal(), "pw");
}

TEST(RelayCredential, NoKeyNoClusterNoRelayIsAnErrorAndNotAGuess) {
  auto fleet = one_cluster();
  fleet.clusters[0].signing_keys.pop_back();
  EXPECT_FALSE(relay_credential(fleet, {"calls", "eu", "eu-0"}, "here", now));
  EXPECT_FALSE(relay_credential(fleet, {"calls", "eu", "eu-9"}, "here", now));
  EXPECT_FALSE(relay_credential(fleet, {"other", "eu", "eu-0"}, "here", now));
}

}  // namespace
}  // namespace turnkeeper::monitor
