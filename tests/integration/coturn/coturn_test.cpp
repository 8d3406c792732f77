// lib/coturn against real relays: Debian 12's coturn and the newest one. What a wrong configuration would do to them is
// only known by asking them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "blocking_client.hpp"
#include "private_network.hpp"
#include "relay_under_test.hpp"

namespace turnkeeper::coturn {
namespace {

using namespace std::chrono_literals;
using test::BlockingClient;
using test::try_allocation;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* private_address = "10.77.0.1";  // inside a denied range, as a pod's address is
constexpr const char* ipv6_address = "2001:db8::7";

[[maybe_unused]] const bool in_private_network = [] {
  test::enter_private_network({"10.77.0.1/32", "2001:db8::7/128"});
  return true;
}();

class CoturnTest : public testing::TestWithParam<const char*> {
 protected:
  static Settings at(const std::string& address) {
    return {.addresses = {{address}}, .ports = {.turn = 3478, .relay_min = 50000, .relay_max = 59999}};
  }
  static turn::Credential credential(const RelayUnderTest& relay) {
    return turn::time_limited_credential(relay.secret, "test", real_clock().system() + 1h);
  }
  static turn::SocketAddress peer(const std::string& address) {
    return turn::SocketAddress::from_ip(address, 9).value();
  }
  // What the relay answers to a ChannelBind to this address.
  static std::string bind_to(BlockingClient& client, const std::string& address) {
    return client.bind_channel(peer(address));
  }
  template <class Condition>
  static bool eventually(Condition condition, std::chrono::seconds patience = 20s) {
    const SteadyTime until = real_clock().steady() + patience;
    while (!condition()) {
      if (real_clock().steady() > until) return false;
      std::this_thread::sleep_for(20ms);
    }
    return true;
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, CoturnTest,
                         testing::Values("turnserver", TURNKEEPER_SOURCE_DIR "/tests/support/bin/turnserver-4.18"),
                         [](const auto& info) { return std::string(info.index == 0 ? "Debian12" : "Newest"); });

TEST_P(CoturnTest, AcceptsEveryLineOfTheConfiguration) {
  for (const char* address : {private_address, ipv6_address, "127.0.0.1"}) {
    RelayUnderTest relay(GetParam(), at(address));
    EXPECT_EQ(try_allocation(relay.where(), relay.secret), "") << address;
    EXPECT_THAT(relay.complaints(), IsEmpty()) << address;
  }
}

TEST_P(CoturnTest, AcceptsASecretAtOnceAndRefusesARemovedOneAtOnce) {
  RelayUnderTest relay(GetParam(), at(private_address));
  const Secret added = Secret::random(32);
  EXPECT_THAT(try_allocation(relay.where(), added), StartsWith("401"));
  ASSERT_TRUE(relay.database().sync_secrets(RelayUnderTest::realm, {relay.secret, added}));
  EXPECT_EQ(try_allocation(relay.where(), added), "");
  EXPECT_EQ(try_allocation(relay.where(), relay.secret), "");
  ASSERT_TRUE(relay.database().sync_secrets(RelayUnderTest::realm, {added}));
  EXPECT_THAT(try_allocation(relay.where(), relay.secret), StartsWith("401"));
  EXPECT_EQ(try_allocation(relay.where(), added), "");
}

TEST_P(CoturnTest, CutsNoCallWhenItsSecretIsRemoved) {
  RelayUnderTest relay(GetParam(), at(private_address));
  BlockingClient client(relay.where(), credential(relay));
  ASSERT_EQ(client.allocate(), "");
  ASSERT_TRUE(relay.database().sync_secrets(RelayUnderTest::realm, {Secret::random(32)}));
  EXPECT_EQ(client.refresh(), "");
  EXPECT_EQ(client.bind_channel(client.relayed()), "");
  EXPECT_TRUE(client.echo("still here"));
}

TEST_P(CoturnTest, RefusesToRelayIntoPrivateNetworks) {
  RelayUnderTest relay(GetParam(), at(private_address));
  BlockingClient client(relay.where(), credential(relay));
  ASSERT_EQ(client.allocate(), "");
  for (const char* address : {"127.0.0.1", "127.0.0.53", "10.0.0.1", "10.77.0.2", "172.16.0.1", "192.168.0.1",
                              "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255"}) {
    EXPECT_THAT(bind_to(client, address), StartsWith("403")) << address;
  }
  EXPECT_EQ(bind_to(client, "1.1.1.1"), "");
  EXPECT_EQ(bind_to(client, "11.0.0.1"), "");
}

TEST_P(CoturnTest, RefusesIpv4InIpv6Clothes) {
  RelayUnderTest relay(GetParam(), at(ipv6_address));
  BlockingClient client(relay.where(), credential(relay));
  ASSERT_EQ(client.allocate(), "");
  ASSERT_EQ(client.relayed().family(), turn::SocketAddress::Family::ipv6);
  for (const char* address :
       {"::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::127.0.0.1",
        "::10.0.0.0", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "fd00::1", "fc00::1",
        "fe80::1", "fec0::1", "ff02::1", "2001:db8::8", "100::1"}) {
    EXPECT_THAT(bind_to(client, address), StartsWith("403")) << address;
  }
  EXPECT_EQ(bind_to(client, "2606:4700::1111"), "");
}

TEST_P(CoturnTest, HearsItselfOnADeniedAddressOfItsOwn) {
  for (const char* address : {private_address, ipv6_address, "127.0.0.1"}) {
    RelayUnderTest relay(GetParam(), at(address));
    BlockingClient client(relay.where(), credential(relay));
    ASSERT_EQ(client.allocate(), "") << address;
    ASSERT_EQ(client.bind_channel(client.relayed()), "") << address;
    EXPECT_TRUE(client.echo("hairpin")) << address;
  }
}

TEST_P(CoturnTest, ALoopbackRelayDoesNotOpenTheRestOfLoopback) {
  RelayUnderTest relay(GetParam(), at("127.0.0.7"));
  BlockingClient client(relay.where(), credential(relay));
  ASSERT_EQ(client.allocate(), "");
  EXPECT_THAT(bind_to(client, "127.0.0.1"), StartsWith("403"));
  EXPECT_EQ(bind_to(client, "127.0.0.7"), "");
}

TEST_P(CoturnTest, HearsItselfBehindAOneToOneNat) {
  Settings settings = at(private_address);
  settings.addresses.front().public_address = "1.2.3.4";
  RelayUnderTest relay(GetParam(), settings);
  BlockingClient client(relay.where(), credential(relay));
  ASSERT_EQ(client.allocate(), "");
  EXPECT_EQ(client.relayed().ip_string(), "1.2.3.4");
  ASSERT_EQ(client.bind_channel(client.relayed()), "");
  EXPECT_TRUE(client.echo("hairpin"));
}

TEST_P(CoturnTest, TakesAUsersOwnPeerRules) {
  Settings settings = at(private_address);
  settings.peers = {.deny = {"1.1.1.0/24"}, .allow = {"192.168.7.0/24"}};
  RelayUnderTest relay(GetParam(), settings);
  BlockingClient client(relay.where(), credential(relay));
  ASSERT_EQ(client.allocate(), "");
  EXPECT_THAT(bind_to(client, "1.1.1.1"), StartsWith("403"));
  EXPECT_EQ(bind_to(client, "192.168.7.1"), "");
  EXPECT_THAT(bind_to(client, "192.168.8.1"), StartsWith("403"));
}

TEST_P(CoturnTest, HoldsToItsQuotas) {
  Settings settings = at(private_address);
  settings.limits = {.sessions = 2, .sessions_per_user = 1};
  RelayUnderTest relay(GetParam(), settings);
  const auto user = [&](const std::string& name) {
    return turn::time_limited_credential(relay.secret, name, real_clock().system() + 1h);
  };
  BlockingClient first(relay.where(), user("first"));
  BlockingClient second(relay.where(), user("second"));
  ASSERT_EQ(first.allocate(), "");
  EXPECT_THAT(BlockingClient(relay.where(), user("first")).allocate(), StartsWith("486"));
  ASSERT_EQ(second.allocate(), "");
  EXPECT_THAT(BlockingClient(relay.where(), user("third")).allocate(), StartsWith("486"));
}

TEST_P(CoturnTest, RefusesNobodyWhileSecretsAreSynced) {
  Settings settings = at(private_address);
  settings.limits = {.sessions = 0, .sessions_per_user = 0};  // coturn counts a released allocation for a second more
  RelayUnderTest relay(GetParam(), settings);
  std::atomic<bool> syncing = true;
  std::jthread writer([&] {
    for (int round = 0; round < 200; ++round) {
      EXPECT_EQ(relay.database().sync_secrets(RelayUnderTest::realm, {relay.secret, Secret::random(32)}), true);
      std::this_thread::sleep_for(5ms);
    }
    syncing = false;
  });
  int allocated = 0;
  while (syncing) {
    ASSERT_EQ(try_allocation(relay.where(), relay.secret), "") << "after " << allocated;
    ++allocated;
  }
  EXPECT_GT(allocated, 100);
}

TEST_P(CoturnTest, CountsItsAllocations) {
  RelayUnderTest relay(GetParam(), at(private_address));
  EXPECT_EQ(relay.allocations(), 0);
  {
    BlockingClient first(relay.where(), credential(relay));
    BlockingClient second(relay.where(), credential(relay));
    ASSERT_EQ(first.allocate(), "");
    ASSERT_EQ(second.allocate(), "");
    EXPECT_EQ(relay.allocations(), 2);
  }
  EXPECT_TRUE(eventually([&] { return relay.allocations() == 0; }));
}

TEST_P(CoturnTest, DrainsOnlyAfterTheLastCall) {
  RelayUnderTest relay(GetParam(), at(private_address));
  BlockingClient client(relay.where(), credential(relay));
  ASSERT_EQ(client.allocate(), "");
  std::atomic<bool> drained = false;
  std::jthread drain([&] {
    EXPECT_TRUE(relay.process().drain(relay.version(), relay.settings().ports, Deadline::after(real_clock(), 60s)));
    drained = true;
  });
  if (can_drain(relay.version())) {
    EXPECT_TRUE(eventually([&] { return try_allocation(relay.where(), relay.secret).starts_with("403"); }));
  }
  EXPECT_EQ(client.refresh(), "");
  EXPECT_FALSE(drained);
  EXPECT_EQ(client.release(), "");
  EXPECT_TRUE(eventually([&] { return drained.load(); }, 60s));
  drain.join();
  relay.process().stop(15s);
  EXPECT_EQ(relay.process().starts(), 1);
}

TEST_P(CoturnTest, GivesUpADrainAtItsDeadline) {
  RelayUnderTest relay(GetParam(), at(private_address));
  BlockingClient client(relay.where(), credential(relay));
  ASSERT_EQ(client.allocate(), "");
  EXPECT_FALSE(relay.process().drain(relay.version(), relay.settings().ports, Deadline::after(real_clock(), 1s)));
}

}  // namespace
}  // namespace turnkeeper::coturn
