#include "monitor/provider/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class EnvironmentTest : public testing::Test {
 protected:
  EnvironmentTest() { std::ofstream(secret_) << "s3cret\n"; }
  ~EnvironmentTest() override { ::unlink(secret_.c_str()); }

  Result<bool> apply(const std::map<std::string, std::string>& variables) {
    return apply_environment(
        [&](const char* name) -> const char* {
          const auto found = variables.find(name);
          return found == variables.end() ? nullptr : found->second.c_str();
        },
        cluster_);
  }
  std::string problem(const std::map<std::string, std::string>& variables) {
    const auto applied = apply(variables);
    return applied ? "no problem" : applied.error().text();
  }
  void has_own_relay() {
    cluster_.regions = {{"eu", {}, {{.name = "eu-0", .uris = {turn_uri("192.0.2.1")}}}}};
    cluster_.providers = {{.name = "old"}};
  }

  const std::string secret_ = testing::TempDir() + "environment-" + std::to_string(::getpid());
  Cluster cluster_{.name = "default"};
};

TEST_F(EnvironmentTest, UnsetItChangesNothing) {
  has_own_relay();
  const Cluster before = cluster_;
  const auto applied = apply({{"TURN_SECRET_FILE", "/nowhere"}});
  ASSERT_TRUE(applied);
  EXPECT_FALSE(*applied);
  EXPECT_EQ(cluster_, before);
}

TEST_F(EnvironmentTest, AVendorBecomesTheSourceOfRelays) {
  has_own_relay();
  const auto applied = apply({{"TURN_PROVIDER", "twilio"},
                              {"TURN_ACCOUNT", "AC00"},
                              {"TURN_SECRET_FILE", secret_},
                              {"TURN_TTL", "2h"},
                              {"TURN_PROBE_EVERY", "5m"},
                              {"TURN_STUN_SERVERS", "stun:stun.example.org:3478"}});
  ASSERT_TRUE(applied) << applied.error().text();
  ASSERT_EQ(cluster_.providers.size(), 1U);
  const auto& provider = cluster_.providers[0];
  EXPECT_EQ(provider.type, api::ProviderType::twilio);
  EXPECT_EQ(provider.name, "twilio");
  EXPECT_EQ(provider.account, "AC00");
  EXPECT_EQ(provider.secret.reveal(), "s3cret");
  EXPECT_EQ(provider.ttl, 2h);
  EXPECT_EQ(provider.probe_every, 5min);
  EXPECT_EQ(cluster_.provider_use, ProviderUse::only);
  EXPECT_EQ(cluster_.regions.size(), 1U) << "our own stay, for when it fails";
  EXPECT_THAT(cluster_.stun_servers, ElementsAre("stun:stun.example.org:3478"));
}

TEST_F(EnvironmentTest, CoturnMeansOurOwnRelaysAndNoOthers) {
  has_own_relay();
  ASSERT_TRUE(apply({{"TURN_PROVIDER", "coturn"}}));
  EXPECT_THAT(cluster_.providers, IsEmpty());
  EXPECT_EQ(cluster_.regions.size(), 1U);

  cluster_ = {.name = "default"};
  ASSERT_TRUE(apply({{"TURN_PROVIDER", "coturn"},
                     {"TURN_URLS", "turn:192.0.2.1 turn:192.0.2.1?transport=tcp,turn:192.0.2.2:3479"},
                     {"TURN_SECRET_FILE", secret_}}));
  ASSERT_EQ(cluster_.regions.size(), 1U);
  const auto& relays = cluster_.regions[0].relays;
  ASSERT_EQ(relays.size(), 2U) << "one for each host";
  EXPECT_EQ(relays[0].name, "coturn-0");
  EXPECT_EQ(relays[0].uris.size(), 2U);
  EXPECT_EQ(relays[1].credential, CredentialSource(SharedSecret{Secret("s3cret"), {}}));
}

TEST_F(EnvironmentTest, NoneMeansStunAlone) {
  has_own_relay();
  ASSERT_TRUE(apply({{"TURN_PROVIDER", "none"}, {"TURN_STUN_SERVERS", "stun:a.example.org,stun:b.example.org"}}));
  EXPECT_THAT(cluster_.regions, IsEmpty());
  EXPECT_THAT(cluster_.providers, IsEmpty());
  EXPECT_EQ(cluster_.stun_servers.size(), 2U);
}

TEST_F(EnvironmentTest, ServersWithAFixedUserNeedNoApi) {
  ASSERT_TRUE(apply({{"TURN_PROVIDER", "static"},
                     {"TURN_URLS", "turn:openrelay.example.org:80"},
                     {"TURN_USERNAME", "open"},
                     {"TURN_SECRET_FILE", secret_}}));
  EXPECT_EQ(cluster_.providers[0].user, "open");
  EXPECT_EQ(cluster_.providers[0].uris.size(), 1U);
}

TEST_F(EnvironmentTest, WhatIsWrongOrMissingIsNamed) {
  EXPECT_THAT(problem({{"TURN_PROVIDER", "twillio"}}), HasSubstr("there is no twillio; set it to one of coturn, none"));
  EXPECT_THAT(problem({{"TURN_PROVIDER", "xirsys"}}),
              HasSubstr("TURN_PROVIDER=xirsys needs TURN_ACCOUNT, TURN_CHANNEL, TURN_SECRET_FILE"));
  EXPECT_THAT(problem({{"TURN_PROVIDER", "metered"}, {"TURN_SECRET_FILE", secret_}}), HasSubstr("needs TURN_API_URL"));
  EXPECT_THAT(problem({{"TURN_PROVIDER", "metered"}, {"TURN_API_URL", "app.metered.live"}}), HasSubstr("TURN_API_URL"));
  EXPECT_THAT(problem({{"TURN_PROVIDER", "coturn"}}), HasSubstr("set TURN_URLS and TURN_SECRET_FILE"));
  EXPECT_THAT(problem({{"TURN_PROVIDER", "coturn"}, {"TURN_URLS", "stun:a.example.org"}}), HasSubstr("TURN_URLS"));
  EXPECT_THAT(problem({{"TURN_PROVIDER", "none"}, {"TURN_STUN_SERVERS", "turn:a"}}), HasSubstr("TURN_STUN_SERVERS"));
  EXPECT_THAT(problem({{"TURN_PROVIDER", "cloudflare"}, {"TURN_ACCOUNT", "k"}, {"TURN_SECRET_FILE", "/nowhere"}}),
              HasSubstr("TURN_SECRET_FILE"));
  EXPECT_THAT(
      problem(
          {{"TURN_PROVIDER", "cloudflare"}, {"TURN_ACCOUNT", "k"}, {"TURN_SECRET_FILE", secret_}, {"TURN_TTL", "1s"}}),
      HasSubstr("TURN_TTL: 1s is out of range"));
}

}  // namespace
}  // namespace turnkeeper::monitor
