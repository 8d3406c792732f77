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
       {{.name = "eu-0", .uris = {turn_uri("192.0.2.1")}},
        {.name = "eu-1", .uris = {turn_uri("192.0.2.2")}, .credential = StaticCredential{"user", Secret("pw")}}}}};
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

TEST(RelayCredentials, ThereIsSomethingToCompareARefusalWith) {
  const auto all = relay_credentials(one_cluster(), {"calls", "eu", "eu-0"}, "here", now);
  ASSERT_TRUE(all);
  const auto sign = [](const char* secret, SystemTime until) {
    return turn::time_limited_credential(Secret(secret), "turnkeeper-monitor-here", until);
  };
  EXPECT_EQ(all->current, sign("new", now + 1h));
  ASSERT_TRUE(all->lasting && all->expired);
  EXPECT_GT(all->lasting->expires, now + 24h * 365);
  EXPECT_LT(unix_seconds(all->lasting->expires), std::int64_t{1} << 31) << "coturn 4.6 has 32 bits for it";
  EXPECT_LT(all->expired->expires, now);
  ASSERT_EQ(all->other_keys.size(), 1U);
  EXPECT_EQ(all->other_keys[0].id, "k1");
  EXPECT_EQ(all->other_keys[0].credential, sign("old", now + 1h)) << "still accepted while it retires";
  EXPECT_TRUE(all->old_keys.empty());
}

TEST(RelayCredentials, AServersFormerSecretsMustBeRefused) {
  auto fleet = one_cluster();
  auto& relay = fleet.clusters[0].regions[0].relays[0];
  relay.credential = SharedSecret{Secret("theirs"), {Secret("before")}};
  const auto all = relay_credentials(fleet, {"calls", "eu", "eu-0"}, "here", now);
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->other_keys.empty()) << "the cluster's keys are none of theirs";
  ASSERT_EQ(all->old_keys.size(), 1U);
  EXPECT_EQ(all->old_keys[0].credential,
            turn::time_limited_credential(Secret("before"), "turnkeeper-monitor-here", now + 1h));
}

TEST(RelayCredentials, AFixedUserHasNoTimeThatCouldBeOver) {
  const auto all = relay_credentials(one_cluster(), {"calls", "eu", "eu-1"}, "here", now);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->current.username, "user");
  EXPECT_FALSE(all->lasting || all->expired);
}

TEST(RelayCredentials, AKeyThatWasRemovedMustBeRefusedFromThenOn) {
  const auto before = one_cluster();
  auto after = before;
  after.clusters[0].signing_keys.erase(after.clusters[0].signing_keys.begin());
  remember_removed_keys(before, after);
  const auto all = relay_credentials(after, {"calls", "eu", "eu-0"}, "here", now);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->old_keys.size(), 1U);
  EXPECT_EQ(all->old_keys[0].id, "k1");
  EXPECT_EQ(all->old_keys[0].credential.password.reveal(),
            turn::time_limited_credential(Secret("old"), "turnkeeper-monitor-here", now + 1h).password.reveal());

  auto later = one_cluster();
  later.clusters[0].signing_keys.erase(later.clusters[0].signing_keys.begin());
  remember_removed_keys(after, later);
  EXPECT_EQ(later, after) << "still remembered when the operator says the same again";

  auto back = one_cluster();
  remember_removed_keys(later, back);
  EXPECT_TRUE(back.clusters[0].removed_keys.empty()) << "it came back";
}

}  // namespace
}  // namespace turnkeeper::monitor
