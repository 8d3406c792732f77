#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "monitor/ice/make_ice_config.hpp"

namespace turnkeeper::monitor {
namespace {

const SystemTime kNow{std::chrono::milliseconds(1'700'000'000'400)};

TEST(NativeJson, IsWhatRtcPeerConnectionTakes) {
  const IceConfig config{
      .servers = {{.urls = {"turn:192.0.2.1:3478?transport=udp", "turn:192.0.2.1:3478?transport=tcp"},
                   .username = "1700086400:alice",
                   .credential = Secret("pass"),
                   .relay = "eu-0",
                   .region = "eu"},
                  {.urls = {"stun:192.0.2.9:3478"}}},
      .expires = SystemTime(std::chrono::seconds(1'700'086'400)),
      .refresh_at = SystemTime(std::chrono::seconds(1'700'064'800)),
      .cluster = "calls",
      .region = "us",
      .served_by = "eu"};
  EXPECT_EQ(nlohmann::json::parse(native_json(config, kNow)), nlohmann::json::parse(R"({
    "iceServers": [
      {"urls": ["turn:192.0.2.1:3478?transport=udp", "turn:192.0.2.1:3478?transport=tcp"],
       "username": "1700086400:alice", "credential": "pass"},
      {"urls": ["stun:192.0.2.9:3478"]}],
    "ttl": 86400, "expiresAt": "2023-11-15T22:13:20Z", "refreshAt": "2023-11-15T16:13:20Z",
    "cluster": "calls", "region": "us", "servedBy": "eu"})"));
}

TEST(NativeJson, TtlOfExpiredCredentialsIsZero) {
  const IceConfig config{.expires = kNow - std::chrono::hours(1)};
  EXPECT_EQ(nlohmann::json::parse(native_json(config, kNow)).at("ttl"), 0);
}

TEST(NativeJson, IsJsonWhateverItHolds) {
  const std::string odd = "a\"b\\c\nd\x01\x7f/\xc3\xa9";
  const IceConfig config{.servers = {{.urls = {odd}, .username = odd, .credential = Secret(odd)}}, .region = odd};
  const auto json = nlohmann::json::parse(native_json(config, kNow));
  EXPECT_EQ(json.at("region"), odd);
  EXPECT_EQ(json.at("iceServers").at(0).at("urls").at(0), odd);
  EXPECT_EQ(json.at("iceServers").at(0).at("credential"), odd);
  EXPECT_FALSE(json.contains("reason"));
  // What is no UTF-8 must not make the whole answer unreadable.
  EXPECT_EQ(nlohmann::json::parse(native_json({.cluster = "a\xff"}, kNow)).at("cluster"), "a\xef\xbf\xbd");
}

TEST(NativeJson, PushesSayWhy) {
  EXPECT_EQ(nlohmann::json::parse(native_json({}, kNow, "failover")).at("reason"), "failover");
}

}  // namespace
}  // namespace turnkeeper::monitor
