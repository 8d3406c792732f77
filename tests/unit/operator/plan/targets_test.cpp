#include "operator/plan/targets.hpp"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "fixture.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {
namespace {

TEST(Targets, SayWhatAMonitorNeedsAndNothingElse) {
  auto cluster = two_regions();
  cluster.spec.stun_servers = {"stun:stun.example.org:3478"};
  cluster.spec.regions[0].relay.peers.allow = {"10.9.0.0/16"};
  std::vector<RelayPod> pods = {relay("eu", 0), relay("eu", 1), relay("us", 0)};
  pods[1].deleting = true;  // watched while it drains, but given to no client
  pods[2].running = false;  // has an address already, and nothing listens there
  const api::SigningKeys keys = {{"k1", Secret("old"), api::SigningKey::Phase::retiring, noon},
                                 {"k2", Secret("new"), api::SigningKey::Phase::issuing, noon}};
  std::string text;
  ASSERT_TRUE(google::protobuf::util::MessageToJsonString(cluster_targets(cluster, pods, keys), &text).ok());
  EXPECT_EQ(nlohmann::json::parse(text), nlohmann::json::parse(R"({
    "cluster": "telephony/calls",
    "realm": "turn.example.org",
    "signingKeys": [{"id": "k1", "secret": "old", "phase": "RETIRING", "created": "2026-08-01T12:00:00Z"},
                    {"id": "k2", "secret": "new", "phase": "ISSUING", "created": "2026-08-01T12:00:00Z"}],
    "regions": [
      {"name": "eu", "backups": ["us"], "relays": [
        {"name": "eu-0", "uris": ["turn:10.0.1.1:3478?transport=udp", "turn:10.0.1.1:3478?transport=tcp"],
         "publicAddresses": ["10.0.1.1"], "agent": "10.0.1.1:9642", "allowedPeers": ["10.9.0.0/16"]},
        {"name": "eu-1", "uris": ["turn:10.0.1.2:3478?transport=udp", "turn:10.0.1.2:3478?transport=tcp"],
         "publicAddresses": ["10.0.1.2"], "draining": true, "agent": "10.0.1.2:9642", "allowedPeers": ["10.9.0.0/16"]}]},
      {"name": "us"}],
    "credentialTtl": "86400s", "rotateEvery": "7776000s",
    "probing": {"canary": "0.100s", "misses": 3, "full": "10s"},
    "stunServers": ["stun:stun.example.org:3478"]})"));
}

TEST(Targets, GiveMonitorsTheProvidersWithTheirSecrets) {
  auto cluster = two_regions();
  cluster.spec.failover = {.providers = {{.name = "twilio",
                                          .type = api::ProviderType::twilio,
                                          .secret = {.name = "vendors", .key = "twilio"},
                                          .account = "AC00",
                                          .cost_per_gigabyte = 0.4},
                                         {.name = "gone",
                                          .type = api::ProviderType::metered,
                                          .secret = {.name = "nowhere", .key = "secret"}}},
                           .use = api::ProviderUse::only};
  cluster.spec.budget = api::Budget{.monthly = 45, .per_gigabyte = 0.25};
  const auto targets =
      cluster_targets(cluster, {}, {}, {{"vendors", {{"data", {{"twilio", base64_encode("token\n")}}}}}});
  ASSERT_EQ(targets.providers_size(), 2);
  EXPECT_EQ(targets.providers(0).type(), "Twilio");
  EXPECT_EQ(targets.providers(0).secret(), "token");
  EXPECT_EQ(targets.providers(0).account(), "AC00");
  EXPECT_EQ(targets.providers(0).probe_every().seconds(), 60);
  EXPECT_EQ(targets.providers(1).secret(), "") << "monitors say that it is missing";
  EXPECT_EQ(targets.provider_use(), "Only");
  EXPECT_EQ(targets.cost_per_gigabyte(), 0.25);
}

std::vector<std::string> uris(const api::TurnCluster& cluster, const RelayPod& pod) {
  const auto targets = cluster_targets(cluster, {pod}, {});
  const auto& relays = targets.regions(0).relays();
  if (relays.empty()) return {};
  return {relays[0].uris().begin(), relays[0].uris().end()};
}

TEST(Targets, NameEachTransportAtEachAddress) {
  auto pod = relay("eu", 0);
  pod.addresses = {"203.0.113.7", "2001:db8::7"};
  pod.ports = {{api::Transport::udp, 3478}, {api::Transport::tls, 443}, {api::Transport::dtls, 443}};
  EXPECT_EQ(uris(two_regions(), pod),
            (std::vector<std::string>{"turn:203.0.113.7:3478?transport=udp", "turn:[2001:db8::7]:3478?transport=udp",
                                      "turns:203.0.113.7:443?transport=tcp", "turns:[2001:db8::7]:443?transport=tcp",
                                      "turns:203.0.113.7:443?transport=udp", "turns:[2001:db8::7]:443?transport=udp"}));
}

TEST(Targets, NameTlsByTheNameThatTheCertificateIsGoodFor) {
  auto cluster = two_regions();
  cluster.spec.dns = api::Dns{.hostname = "turn.example.org"};
  auto pod = relay("eu", 0);
  pod.addresses = {"203.0.113.7", "2001:db8::7"};
  pod.ports = {{api::Transport::tcp, 3478}, {api::Transport::tls, 443}};
  EXPECT_EQ(uris(cluster, pod),
            (std::vector<std::string>{"turn:203.0.113.7:3478?transport=tcp", "turn:[2001:db8::7]:3478?transport=tcp",
                                      "turns:eu-0.turn.example.org:443?transport=tcp"}));
}

TEST(Targets, LeaveOutARelayThatCannotBeReachedYet) {
  auto without_address = relay("eu", 0);
  without_address.addresses = {};
  EXPECT_TRUE(uris(two_regions(), without_address).empty());
  auto without_port = relay("eu", 0);
  without_port.ports = {};
  EXPECT_TRUE(uris(two_regions(), without_port).empty());
}

TEST(Targets, ARelayThatIsMarkedIsDrainingBeforeItsPodIsDeleted) {
  auto pod = relay("eu", 0);
  pod.draining = noon;
  EXPECT_TRUE(cluster_targets(two_regions(), {pod}, {}).regions(0).relays(0).draining());
}

TEST(Targets, TellWhereRelayedAddressesAreWhenClientsConnectElsewhere) {
  auto pod = relay("eu", 0);
  pod.addresses = {"198.51.100.4"};
  pod.relayed = {"10.1.0.5"};
  const auto targets = cluster_targets(two_regions(), {pod}, {});
  EXPECT_EQ(targets.regions(0).relays(0).public_addresses(0), "10.1.0.5");
}

}  // namespace
}  // namespace turnkeeper::op
