// Providers that need no asking; those that are asked: tests/integration/provider.
#include "monitor/provider/providers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using Type = ProviderConfig::Type;

ProviderConfig fixed(Type type, const char* secret) {
  return {.name = "other",
          .type = type,
          .uris = {with_transport(*turn::Uri::parse("turn:a.example.org")),
                   with_transport(*turn::Uri::parse("turns:a.example.org")),
                   with_transport(*turn::Uri::parse("turn:b.example.org"))},
          .user = "open",
          .secret = Secret(secret),
          .cost_per_gigabyte = 0.4};
}

class ProvidersTest : public testing::Test {
 protected:
  Fleet completed(std::vector<ProviderConfig> providers) {
    Fleet fleet;
    fleet.clusters.push_back({.name = "calls"});
    fleet.clusters[0].regions = {{"eu", {}, {{.name = "eu-0", .uris = {turn_uri("192.0.2.1")}}}}};
    fleet.clusters[0].providers = std::move(providers);
    providers_.set(fleet);
    return providers_.complete(std::move(fleet));
  }

  boost::asio::io_context io_;
  ManualClock clock_;
  Providers providers_{io_.get_executor(), clock_, [] {}};
};

TEST_F(ProvidersTest, OthersRelaysAreARegionOfTheirOwnThatIsProbedSparingly) {
  const auto fleet = completed({fixed(Type::static_list, "pw")});
  ASSERT_EQ(fleet.clusters[0].regions.size(), 2U);
  const auto& region = fleet.clusters[0].regions[1];
  EXPECT_EQ(region.name, "other");
  EXPECT_TRUE(region.external);
  EXPECT_EQ(region.cost_per_gigabyte, 0.4);
  ASSERT_EQ(region.relays.size(), 2U) << "one for each host";
  EXPECT_EQ(region.relays[0].name, "other-a-example-org");
  EXPECT_EQ(region.relays[0].uris.size(), 2U);
  EXPECT_EQ(region.relays[0].credential, CredentialSource(StaticCredential{"open", Secret("pw")}));
  ASSERT_TRUE(region.relays[0].probing);
  EXPECT_EQ(region.relays[0].probing->canary, 0ms) << "echoes cost money";
  EXPECT_EQ(region.relays[0].probing->full, 60s);
}

TEST_F(ProvidersTest, ASharedSecretSignsForEachUser) {
  const auto fleet = completed({fixed(Type::shared_secret, "north")});
  EXPECT_EQ(fleet.clusters[0].regions[1].relays[0].credential, CredentialSource(SharedSecret{Secret("north"), {}}));
}

TEST_F(ProvidersTest, AListAsRtcPeerConnectionTakesItIsASecretToo) {
  auto list = fixed(Type::static_list, R"([{"urls": ["stun:a.example.org", "turn:a.example.org:80"], "username": "u",
    "credential": "p"}, {"urls": "turn:b.example.org:443?transport=tcp", "username": "v", "credential": "q"}])");
  list.uris.clear();
  const auto fleet = completed({list});
  const auto& relays = fleet.clusters[0].regions.at(1).relays;
  ASSERT_EQ(relays.size(), 2U);
  EXPECT_EQ(relays[1].credential, CredentialSource(StaticCredential{"v", Secret("q")}));
}

TEST_F(ProvidersTest, OneThatIsListedAsAServerStandsInItsRegionAndIsProbedAsOurs) {
  auto server = fixed(Type::static_list, "pw");
  server.in_region = "eu";
  server.probe_every = 0ms;
  const auto fleet = completed({server});
  ASSERT_EQ(fleet.clusters[0].regions.size(), 1U);
  EXPECT_FALSE(fleet.clusters[0].regions[0].external);
  EXPECT_FALSE(fleet.clusters[0].regions[0].relays.at(1).probing);
}

TEST_F(ProvidersTest, OneThatCannotServeIsSeenAndHarmsNobody) {
  auto no_list = fixed(Type::static_list, "pw");
  no_list.name = "no-list";
  no_list.uris.clear();
  auto no_secret = fixed(Type::twilio, "");
  no_secret.name = "no-secret";
  const auto fleet = completed({no_list, no_secret, fixed(Type::static_list, "pw")});
  EXPECT_EQ(fleet.clusters[0].regions.size(), 2U);
  std::vector<std::pair<std::string, bool>> up;
  for (const auto& status : providers_.status()) {
    up.emplace_back(status.name, status.up);
    EXPECT_EQ(status.up, status.trouble.empty()) << status.name << ": " << status.trouble;
    EXPECT_EQ(status.trouble.find("pw"), std::string::npos) << "it is shown to people";
  }
  EXPECT_THAT(up, ElementsAre(std::pair("no-list", false), std::pair("no-secret", false), std::pair("other", true)));
  EXPECT_TRUE(providers_.asked_all()) << "nobody waits for those";
}

}  // namespace
}  // namespace turnkeeper::monitor
