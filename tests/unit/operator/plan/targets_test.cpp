#include "operator/plan/targets.hpp"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

TEST(Targets, SayWhatAMonitorNeedsAndNothingElse) {
  auto cluster = two_regions();
  cluster.spec.stun_servers = {"stun:stun.example.org:3478"};
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
         "publicAddress": "10.0.1.1"},
        {"name": "eu-1", "uris": ["turn:10.0.1.2:3478?transport=udp", "turn:10.0.1.2:3478?transport=tcp"],
         "publicAddress": "10.0.1.2", "draining": true}]},
      {"name": "us", "backups": ["eu"]}],
    "credentialTtl": "86400s", "rotateEvery": "7776000s",
    "probing": {"canary": "0.100s", "misses": 3, "full": "10s"},
    "stunServers": ["stun:stun.example.org:3478"]})"));
}

}  // namespace
}  // namespace turnkeeper::op
