#include "monitor/target/fleet_proto.hpp"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

Fleet two_regions() {
  Cluster cluster{.name = "calls/main", .realm = "turn.example.org"};
  cluster.signing_keys = {{"k1", Secret("aa"), api::SigningKey::Phase::retiring, SystemTime(1'700'000'000s)},
                          {"k2", Secret("bb"), api::SigningKey::Phase::issuing, SystemTime(1'710'000'000s)},
                          {"k3", Secret("cc"), api::SigningKey::Phase::staged, SystemTime(1'720'000'000s)}};
  cluster.removed_keys = {{"k0", Secret("dd"), api::SigningKey::Phase::removed, SystemTime(1'600'000'000s)}};
  cluster.regions = {{"eu", {"us"}, {{.name = "eu-0", .uris = {turn_uri("192.0.2.1")}}}},
                     {"us",
                      {},
                      {{.name = "us-0",
                        .uris = {turn_uri("2001:db8::1", 3479, api::Transport::udp),
                                 turn_uri("2001:db8::1", 3479, api::Transport::tcp)},
                        .public_addresses = {"192.0.2.9", "2001:db8::1"},
                        .draining = true,
                        .agent = "10.0.0.9:9642",
                        .allowed_peers = {*parse_range("10.1.0.0/16"), *parse_range("fd00::7")}}}}};
  cluster.credential_ttl = 12h;
  cluster.rotate_every = 720h;
  cluster.probing = {.canary = 50ms, .misses = 5, .full = 2s};
  cluster.stun_servers = {"stun:stun.example.org:3478"};
  cluster.provider_use = ProviderUse::cheapest;
  for (auto& region : cluster.regions) region.cost_per_gigabyte = 0.02;
  cluster.providers = {{.name = "twilio",
                        .type = api::ProviderType::twilio,
                        .account = "AC00",
                        .user = "SK00",
                        .secret = Secret("ee"),
                        .ttl = 2h,
                        .cost_per_gigabyte = 0.4,
                        .probe_every = 5min},
                       {.name = "friend",
                        .type = api::ProviderType::shared_secret,
                        .uris = {turn_uri("192.0.2.77")},
                        .secret = Secret("ff")}};
  return Fleet{{cluster}};
}

v1::TargetSet one_relay() {
  v1::TargetSet targets;
  auto& cluster = *targets.add_clusters();
  cluster.set_cluster("calls");
  auto& region = *cluster.add_regions();
  region.set_name("eu");
  auto& relay = *region.add_relays();
  relay.set_name("eu-0");
  relay.add_uris("turn:192.0.2.1:3478?transport=udp");
  return targets;
}

TEST(FleetProto, WhatTheOperatorSaysArrivesWhole) {
  const auto arrived = fleet_from_proto(to_proto(two_regions()));
  ASSERT_TRUE(arrived) << arrived.error().text();
  EXPECT_EQ(*arrived, two_regions());
}

TEST(FleetProto, WhatTheOperatorLeavesOutHasItsDefault) {
  const auto fleet = fleet_from_proto(one_relay());
  ASSERT_TRUE(fleet) << fleet.error().text();
  EXPECT_EQ(fleet->clusters[0].probing, api::Probing{});
  EXPECT_EQ(fleet->clusters[0].credential_ttl, 24h);
  EXPECT_EQ(fleet->clusters[0].regions[0].relays[0].uris, std::vector{turn_uri("192.0.2.1")});
}

TEST(FleetProto, ARelayThatNobodyCanReachIsRefusedByName) {
  const auto refusal = [](const char* uri) {
    auto targets = one_relay();
    targets.mutable_clusters(0)->mutable_regions(0)->mutable_relays(0)->set_uris(0, uri);
    const auto fleet = fleet_from_proto(targets);
    return fleet ? "accepted" : fleet.error().message;
  };
  EXPECT_THAT(refusal("turn:192.0.2.1:70000"), testing::StartsWith("calls/eu: relay eu-0: "));
  EXPECT_EQ(refusal("stun:192.0.2.1"), "calls/eu: relay eu-0: stun:192.0.2.1 is no TURN server");
  auto targets = one_relay();
  targets.mutable_clusters(0)->mutable_regions(0)->mutable_relays(0)->clear_uris();
  EXPECT_EQ(fleet_from_proto(targets).error().message, "calls/eu: relay eu-0 has no URI");
}

TEST(FleetProto, APeerRangeThatIsNoneIsRefusedByName) {
  auto targets = one_relay();
  targets.mutable_clusters(0)->mutable_regions(0)->mutable_relays(0)->add_allowed_peers("10.0.0.1/8");
  const auto fleet = fleet_from_proto(targets);
  ASSERT_FALSE(fleet);
  EXPECT_THAT(fleet.error().message, testing::StartsWith("calls/eu: relay eu-0: \"10.0.0.1/8\""));
}

TEST(FleetProto, TwoRelaysOfOneNameAreRefused) {
  auto targets = one_relay();
  auto& region = *targets.mutable_clusters(0)->mutable_regions(0);
  *region.add_relays() = region.relays(0);
  EXPECT_FALSE(fleet_from_proto(targets));
}

TEST(FleetProto, AKeyOfAnUnknownPhaseIsNotGuessedAt) {
  auto targets = one_relay();
  auto& key = *targets.mutable_clusters(0)->add_signing_keys();
  key.set_id("k1");
  key.set_secret("aa");
  EXPECT_FALSE(fleet_from_proto(targets));
}

class SnapshotTest : public testing::Test {
 protected:
  ~SnapshotTest() override { std::filesystem::remove(path_); }
  void write(const std::string& text) { std::ofstream(path_) << text; }
  const std::string path_ = testing::TempDir() + "targets-" + std::to_string(getpid()) + ".json";
};

TEST_F(SnapshotTest, AMonitorStartsFromTheFileAloneEvenFromANewerOperators) {
  write(R"({"fromTheFuture": 1, "clusters": [{"cluster": "calls", "signingKeys": [{"id": "k1", "secret": "aa",
    "phase": "ISSUING", "created": "2026-08-01T12:00:00Z"}], "credentialTtl": "3600s", "regions": [{"name": "eu",
    "relays": [{"name": "eu-0", "uris": ["turn:192.0.2.1:3478?transport=udp", "turns:turn.example.org"]}]}]}]})");
  const auto fleet = load_snapshot(path_);
  ASSERT_TRUE(fleet) << fleet.error().text();
  ASSERT_EQ(fleet->clusters.size(), 1U);
  ASSERT_NE(api::issuing_key(fleet->clusters[0].signing_keys), nullptr);
  EXPECT_EQ(rfc3339(api::issuing_key(fleet->clusters[0].signing_keys)->created), "2026-08-01T12:00:00Z");
  EXPECT_EQ(fleet->clusters[0].credential_ttl, 1h);
}

TEST_F(SnapshotTest, NothingIsLostOnTheWayThroughTheFile) {
  std::string text;
  ASSERT_TRUE(google::protobuf::util::MessageToJsonString(to_proto(two_regions()), &text).ok());
  write(text);
  const auto fleet = load_snapshot(path_);
  ASSERT_TRUE(fleet) << fleet.error().text();
  EXPECT_EQ(*fleet, two_regions());
}

TEST_F(SnapshotTest, ABrokenFileIsNamedButNotQuoted) {
  write(R"({"clusters": [{"signingKeys": [{"secret": "very-secret")");
  const auto fleet = load_snapshot(path_);
  ASSERT_FALSE(fleet);
  EXPECT_NE(fleet.error().text().find(path_), std::string::npos);
  EXPECT_EQ(fleet.error().text().find("very-secret"), std::string::npos);
}

TEST_F(SnapshotTest, AMissingFileIsAnError) {
  EXPECT_FALSE(load_snapshot(path_));
}

}  // namespace
}  // namespace turnkeeper::monitor
