#include "cli/local_fleet.hpp"

#include <gmock/gmock.h>

namespace turnkeeper::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

api::TurnCluster cluster_of(const std::vector<std::pair<std::string, int>>& regions) {
  api::TurnCluster cluster{.name = "demo"};
  cluster.spec.realm = "turn.example.org";
  for (const auto& [name, replicas] : regions) {
    api::Region region{.name = name};
    region.relay.replicas = replicas;
    region.relay.ports = {.turn = 3478, .relay_min = 40000, .relay_max = 40999};
    cluster.spec.regions.push_back(region);
  }
  return cluster;
}

TEST(LocalRelays, EachGetsItsOwnTurnPortAndAnEqualSliceOfTheRange) {
  const auto relays = plan_local_relays(cluster_of({{"eu", 2}, {"us", 1}}), "127.0.0.1");
  ASSERT_TRUE(relays) << relays.error().text();
  ASSERT_EQ(relays->size(), 3u);
  EXPECT_EQ((*relays)[0].name, "eu-0");
  EXPECT_EQ((*relays)[1].name, "eu-1");
  EXPECT_EQ((*relays)[2].name, "us-0");
  EXPECT_EQ((*relays)[0].ports, (api::Ports{.turn = 3478, .relay_min = 40000, .relay_max = 40332}));
  EXPECT_EQ((*relays)[1].ports, (api::Ports{.turn = 3479, .relay_min = 40333, .relay_max = 40665}));
  EXPECT_EQ((*relays)[2].ports, (api::Ports{.turn = 3480, .relay_min = 40666, .relay_max = 40998}));
}

TEST(LocalRelays, PortsThatDoNotSufficeAreSaid) {
  const auto relays = plan_local_relays(cluster_of({{"eu", 200}}), "127.0.0.1");
  ASSERT_FALSE(relays);
  EXPECT_THAT(relays.error().text(), HasSubstr("200 relays"));
  auto high = cluster_of({{"eu", 2}});
  high.spec.regions[0].relay.ports.turn = 65535;
  EXPECT_FALSE(plan_local_relays(high, "127.0.0.1"));
}

TEST(LocalRelays, RegionsWhosePortsOverlapAreRefused) {
  auto cluster = cluster_of({{"eu", 1}, {"us", 1}});
  cluster.spec.regions[1].relay.ports.turn = 3477;  // number 1: 3478, as relay 0
  const auto relays = plan_local_relays(cluster, "127.0.0.1");
  ASSERT_FALSE(relays);
  EXPECT_THAT(relays.error().message, HasSubstr("eu-0 and us-0"));
  cluster = cluster_of({{"eu", 1}, {"us", 1}});
  cluster.spec.regions[0].relay.ports.turn = 40600;  // in the slice of us-0
  EXPECT_FALSE(plan_local_relays(cluster, "127.0.0.1"));
}

// A file that is meant for Kubernetes runs here too, as far as this machine can.
TEST(LocalRelays, AreNotReachedOverTlsSinceTheCertificateIsElsewhere) {
  auto cluster = cluster_of({{"eu", 1}});
  cluster.spec.tls.emplace().secret_name = "turn-tls";
  cluster.spec.regions[0].relay.transports = {api::Transport::udp, api::Transport::tls, api::Transport::dtls};
  const auto relays = plan_local_relays(cluster, "127.0.0.1");
  ASSERT_TRUE(relays) << relays.error().text();
  const auto fleet = local_fleet(cluster, *relays, {{.id = "k1", .secret = Secret("s")}});
  ASSERT_EQ(fleet.clusters[0].regions[0].relays[0].uris.size(), 1u);
  EXPECT_EQ(fleet.clusters[0].regions[0].relays[0].uris[0].to_string(), "turn:127.0.0.1:3478?transport=udp");
  cluster.spec.regions[0].relay.transports = {api::Transport::tls};
  const auto nothing = plan_local_relays(cluster, "127.0.0.1");
  ASSERT_FALSE(nothing);
  EXPECT_THAT(nothing.error().text(), HasSubstr("add UDP or TCP"));
}

TEST(LocalFleet, MonitorWatchesWhatRuns) {
  auto cluster = cluster_of({{"eu", 2}, {"us", 1}});
  cluster.spec.regions[0].backups = {"us"};
  cluster.spec.stun_servers = {"stun:stun.example.org:3478"};
  const auto relays = plan_local_relays(cluster, "127.0.0.9");
  ASSERT_TRUE(relays);
  const auto fleet = local_fleet(cluster, *relays, {{.id = "k1", .secret = Secret("s")}});
  ASSERT_EQ(fleet.clusters.size(), 1u);
  const auto& watched = fleet.clusters[0];
  EXPECT_EQ(watched.realm, "turn.example.org");
  EXPECT_EQ(api::issuing_key(watched.signing_keys)->id, "k1");
  EXPECT_THAT(watched.stun_servers, ElementsAre("stun:stun.example.org:3478"));
  ASSERT_EQ(watched.regions.size(), 2u);
  EXPECT_THAT(watched.regions[0].backups, ElementsAre("us"));
  ASSERT_EQ(watched.regions[0].relays.size(), 2u);
  EXPECT_EQ(watched.regions[0].relays[1].name, "eu-1");
  EXPECT_EQ(watched.regions[0].relays[1].uris[0].host, "127.0.0.9");
  EXPECT_EQ(watched.regions[1].relays[0].uris[0].port, 3480);
}

}  // namespace
}  // namespace turnkeeper::cli
