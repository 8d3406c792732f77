#include "monitor/ice/make_ice_config.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "monitor/verdict/backup_order.hpp"
#include "monitor/verdict/serving.hpp"

namespace turnkeeper::monitor {
namespace {

using api::Verdict;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

const SystemTime kNow{std::chrono::seconds(1'700'000'000)};

Relay relay(const std::string& name) {
  return {.name = name, .uris = {turn_uri(name + ".test")}};
}

// Three regions, each with the relays that a test asks for, all healthy until it says otherwise.
class IceConfigTest : public ::testing::Test {
 protected:
  IceConfigTest() {
    cluster_.name = "calls";
    cluster_.signing_keys = {
        {.id = "k1", .secret = Secret("north"), .phase = api::SigningKey::Phase::retiring, .created = {}},
        {.id = "k2", .secret = Secret("south"), .phase = api::SigningKey::Phase::issuing, .created = {}},
        {.id = "k3", .secret = Secret("west"), .phase = api::SigningKey::Phase::staged, .created = {}}};
    regions({{"eu", 2}, {"us", 1}, {"asia", 1}});
  }

  void regions(const std::vector<std::pair<std::string, int>>& sizes) {
    cluster_.regions.clear();
    for (const auto& [name, size] : sizes) {
      Region region{.name = name, .backups = {}, .relays = {}};
      for (int i = 0; i < size; ++i) region.relays.push_back(relay(name + "-" + std::to_string(i)));
      cluster_.regions.push_back(region);
    }
  }

  void everything_is(Verdict verdict) {
    for (const auto& region : cluster_.regions) {
      for (const auto& one : region.relays) verdicts_[one.name] = verdict;
    }
  }

  IceResult<IceConfig> make(const IceRequest& request) {
    return make_ice_config(
        request, cluster_,
        [&](const RelayId& id) {
          EXPECT_EQ(id.cluster, "calls");
          const auto known = verdicts_.find(id.relay);
          return known == verdicts_.end() ? Verdict::healthy : known->second;
        },
        [&](const RelayId& id, const turn::Uri& uri) {
          return proofs_[{id.relay, uri.to_string()}];
        },
        kNow, options_);
  }

  // The relays of a list, in order; STUN servers are left out.
  std::vector<std::string> relays_for(const std::string& region, const std::string& session = "s") {
    const auto config = make({.region = region, .user = "alice", .session = session});
    EXPECT_TRUE(config) << config.error().error.text();
    std::vector<std::string> relays;
    if (!config) return relays;
    for (const auto& server : config->servers) {
      if (!server.relay.empty()) relays.push_back(server.relay);
    }
    EXPECT_EQ(config->served_by, relays.empty() ? "" : config->servers.front().region);
    return relays;
  }

  Cluster cluster_;
  std::map<std::string, Verdict> verdicts_;
  std::map<std::pair<std::string, std::string>, Proof> proofs_;
  IceOptions options_;
};

TEST_F(IceConfigTest, OwnRegionComesFirstThenBackupsAsListed) {
  EXPECT_THAT(relays_for("us"), ElementsAre("us-0", StartsWith("eu-"), StartsWith("eu-"), "asia-0"));
  cluster_.regions[1].backups = {"asia", "eu"};
  EXPECT_THAT(relays_for("us"), ElementsAre("us-0", "asia-0", testing::_, testing::_));
  cluster_.regions[1].backups = {"asia"};
  EXPECT_THAT(relays_for("us"), ElementsAre("us-0", "asia-0")) << "a region that is no backup was used";
}

TEST_F(IceConfigTest, RegionLeftOutIsTheFirst) {
  const auto config = make({.user = "alice"});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->region, "eu");
}

TEST_F(IceConfigTest, DeadRelayIsNotListedAndItsClientsMove) {
  verdicts_ = {{"eu-0", Verdict::unhealthy}, {"eu-1", Verdict::unhealthy}};
  EXPECT_THAT(relays_for("eu"), ElementsAre("us-0", "asia-0"));
  EXPECT_EQ(make({.region = "eu", .user = "a"})->served_by, "us");
}

TEST_F(IceConfigTest, DegradedIsUsedAfterHealthyButBeforeAnotherRegion) {
  verdicts_["eu-0"] = Verdict::degraded;
  EXPECT_THAT(relays_for("eu"), ElementsAre("eu-1", "eu-0", "us-0", "asia-0"));
  verdicts_["eu-1"] = Verdict::unhealthy;
  EXPECT_THAT(relays_for("eu"), ElementsAre("eu-0", "us-0", "asia-0"));
}

TEST_F(IceConfigTest, DrainingRelayGetsNoNewClients) {
  cluster_.regions[0].relays[0].draining = true;
  EXPECT_THAT(relays_for("eu"), Not(Contains("eu-0")));
  verdicts_["eu-1"] = Verdict::draining;
  EXPECT_THAT(relays_for("eu"), ElementsAre("us-0", "asia-0"));
}

TEST_F(IceConfigTest, MonitorThatHasJustStartedMovesNobody) {
  everything_is(Verdict::unknown);
  EXPECT_THAT(relays_for("us"), ElementsAre("us-0", testing::_, testing::_, testing::_));
  verdicts_["eu-0"] = Verdict::healthy;  // another region's relay happened to be proven first
  EXPECT_THAT(relays_for("us"), ElementsAre("us-0", "eu-0"));
}

TEST_F(IceConfigTest, UnknownRelayWaitsWhileItsRegionHasProvenOnes) {
  verdicts_["eu-0"] = Verdict::unknown;
  EXPECT_THAT(relays_for("eu"), ElementsAre("eu-1", "us-0", "asia-0"));
}

TEST_F(IceConfigTest, EverythingDeadStillListsTheLeastBad) {
  everything_is(Verdict::unhealthy);
  EXPECT_THAT(relays_for("us"), ElementsAre("us-0", StartsWith("eu-"), StartsWith("eu-"), "asia-0"));
  verdicts_["asia-0"] = Verdict::unknown;
  EXPECT_THAT(relays_for("us"), ElementsAre("asia-0")) << "what may work is better than what was seen to fail";
  everything_is(Verdict::draining);
  EXPECT_THAT(relays_for("us"), ElementsAre("us-0", StartsWith("eu-"), StartsWith("eu-"), "asia-0"));
}

TEST_F(IceConfigTest, BothEndsOfASessionGetTheSameRelay) {
  regions({{"eu", 5}});
  for (int i = 0; i < 50; ++i) {
    const std::string session = "call-" + std::to_string(i);
    const auto alice = make({.region = "eu", .user = "alice", .session = session});
    const auto bob = make({.region = "eu", .user = "bob", .session = session});
    EXPECT_TRUE(equivalent(*alice, *bob)) << session;
  }
}

TEST_F(IceConfigTest, SessionsSpreadEvenlyAndAFallMovesOnlyItsOwn) {
  regions({{"eu", 4}});
  std::map<std::string, int> first;
  std::vector<std::string> before;
  for (int i = 0; i < 4000; ++i) {
    before.push_back(relays_for("eu", "call-" + std::to_string(i)).front());
    ++first[before.back()];
  }
  for (const auto& [name, count] : first) EXPECT_NEAR(count, 1000, 120) << name;
  verdicts_["eu-2"] = Verdict::unhealthy;
  for (int i = 0; i < 4000; ++i) {
    const auto after = relays_for("eu", "call-" + std::to_string(i)).front();
    if (before[i] == "eu-2") continue;
    EXPECT_EQ(after, before[i]) << "a session was moved off a healthy relay";
  }
}

TEST_F(IceConfigTest, ListsStayShortAndReachAcrossRegions) {
  regions({{"eu", 6}, {"us", 6}});
  const auto relays = relays_for("eu");
  ASSERT_THAT(relays, SizeIs(4));
  EXPECT_EQ(relays[2].substr(0, 2), "eu");
  EXPECT_EQ(relays[3].substr(0, 2), "us") << "a client whose whole region dies has nothing to go on with";
  options_.turn_urls = 1;
  EXPECT_THAT(relays_for("eu"), SizeIs(1));
}

TEST_F(IceConfigTest, FirstRelayIsOfferedOverTcpToo) {
  for (auto& region : cluster_.regions) {
    for (auto& one : region.relays) {
      one.uris.insert(one.uris.begin(), turn_uri(one.name + ".test", 3478, api::Transport::tcp));
    }
  }
  const auto config = make({.region = "us", .user = "alice"});
  ASSERT_TRUE(config);
  ASSERT_THAT(config->servers, SizeIs(3));
  EXPECT_THAT(config->servers[0].urls,
              ElementsAre("turn:us-0.test:3478?transport=udp", "turn:us-0.test:3478?transport=tcp"));
  EXPECT_THAT(config->servers[1].urls, ElementsAre(HasSubstr("transport=udp")));
}

TEST_F(IceConfigTest, OnlyTransportsThatAProbeHasProvenAreGivenOut) {
  auto& eu0 = cluster_.regions[0].relays[0];
  cluster_.regions[0].relays.pop_back();
  eu0.uris = {*turn::Uri::parse("turns:eu-0.test:5349?transport=tcp"), turn_uri("eu-0.test", 3478, api::Transport::tcp),
              turn_uri("eu-0.test")};
  const auto urls = [&] { return make({.region = "eu", .user = "alice"})->servers.front().urls; };
  const std::string udp = "turn:eu-0.test:3478?transport=udp";
  const std::string tcp = "turn:eu-0.test:3478?transport=tcp";
  const std::string tls = "turns:eu-0.test:5349?transport=tcp";
  EXPECT_THAT(urls(), ElementsAre(udp, tcp, tls)) << "nothing is proven: everything may work";
  proofs_[{"eu-0", udp}] = Proof::works;
  EXPECT_THAT(urls(), ElementsAre(udp));
  proofs_[{"eu-0", tls}] = Proof::works;
  EXPECT_THAT(urls(), ElementsAre(udp, tls));
  proofs_[{"eu-0", udp}] = Proof::fails;
  EXPECT_THAT(urls(), ElementsAre(tls));
  proofs_[{"eu-0", tls}] = Proof::fails;
  EXPECT_THAT(urls(), ElementsAre(tcp)) << "what was not tried yet is better than what was seen to fail";
  proofs_[{"eu-0", tcp}] = Proof::fails;
  EXPECT_THAT(urls(), ElementsAre(udp, tcp, tls)) << "everything fails: a client may be luckier";
}

TEST_F(IceConfigTest, ManyUrlsOfOneRelayLeaveAPlaceForABackup) {
  auto& eu0 = cluster_.regions[0].relays[0];
  cluster_.regions[0].relays.pop_back();
  eu0.uris.clear();
  for (const char* text : {"turn:a.test:3478?transport=udp", "turn:a.test:53?transport=udp",
                           "turn:a.test:80?transport=tcp", "turns:a.test:443?transport=tcp"}) {
    eu0.uris.push_back(*turn::Uri::parse(text));
  }
  const auto config = make({.region = "eu", .user = "alice"});
  EXPECT_THAT(config->servers[0].urls, ElementsAre("turn:a.test:3478?transport=udp", "turn:a.test:80?transport=tcp",
                                                   "turns:a.test:443?transport=tcp"));
  EXPECT_THAT(relays_for("eu"), ElementsAre("eu-0", "us-0"));
}

TEST_F(IceConfigTest, AStrictNetworkFindsTlsOn443InEveryList) {
  regions({{"eu", 3}, {"us", 2}});
  // One relay alone has it.
  cluster_.regions[0].relays[1].uris.push_back(*turn::Uri::parse("turns:eu-1.test:443?transport=tcp"));
  for (int i = 0; i < 60; ++i) {
    const auto config = make({.region = i % 2 ? "eu" : "us", .user = "alice", .session = "call-" + std::to_string(i)});
    ASSERT_TRUE(config);
    std::vector<std::string> urls;
    std::set<std::string> places;
    for (const auto& server : config->servers) {
      urls.insert(urls.end(), server.urls.begin(), server.urls.end());
      places.insert(server.region);
    }
    EXPECT_THAT(urls, SizeIs(4));
    EXPECT_THAT(urls, Contains("turns:eu-1.test:443?transport=tcp"));
    EXPECT_EQ(std::set<std::string>(urls.begin(), urls.end()).size(), 4u) << "a URL was given twice";
    EXPECT_THAT(places, SizeIs(2)) << "the list depends on one region";
  }
}

TEST_F(IceConfigTest, TlsElsewhereOrTcpStandsInForTlsOn443) {
  regions({{"eu", 2}});
  auto& other = cluster_.regions[0].relays[1];
  const auto urls = [&] {
    std::vector<std::string> all;
    const auto config = make({.region = "eu", .user = "alice", .session = "s"});
    for (const auto& server : config->servers) {
      all.insert(all.end(), server.urls.begin(), server.urls.end());
    }
    return all;
  };
  other.uris.push_back(turn_uri("eu-1.test", 3478, api::Transport::tcp));
  EXPECT_THAT(urls(), Contains("turn:eu-1.test:3478?transport=tcp"));
  other.uris.push_back(*turn::Uri::parse("turns:eu-1.test:5349?transport=tcp"));
  EXPECT_THAT(urls(), Contains("turns:eu-1.test:5349?transport=tcp"));
  other.uris.push_back(*turn::Uri::parse("turns:eu-1.test:443?transport=tcp"));
  EXPECT_THAT(urls(), Contains("turns:eu-1.test:443?transport=tcp"));
  // What is not proven is not offered, not even to those whom nothing else helps.
  proofs_[{"eu-1", "turn:eu-1.test:3478?transport=udp"}] = Proof::works;
  proofs_[{"eu-1", "turns:eu-1.test:443?transport=tcp"}] = Proof::fails;
  EXPECT_THAT(urls(), Not(Contains(StartsWith("turns:"))));
}

TEST_F(IceConfigTest, ARelayWhoseTlsIsBrokenLosesThatUrlAlone) {
  regions({{"eu", 1}});
  cluster_.regions[0].relays[0].uris = {turn_uri("eu-0.test"), turn_uri("eu-0.test", 3478, api::Transport::tcp),
                                        *turn::Uri::parse("turns:eu-0.test:443?transport=tcp")};
  for (const auto& uri : cluster_.regions[0].relays[0].uris) proofs_[{"eu-0", uri.to_string()}] = Proof::works;
  proofs_[{"eu-0", "turns:eu-0.test:443?transport=tcp"}] = Proof::fails;
  EXPECT_THAT(make({.region = "eu", .user = "a"})->servers[0].urls,
              ElementsAre("turn:eu-0.test:3478?transport=udp", "turn:eu-0.test:3478?transport=tcp"));
}

TEST_F(IceConfigTest, TcpThatIsProvenFirstDoesNotHideUdpThatTheCanaryUses) {
  regions({{"eu", 1}});
  cluster_.regions[0].relays[0].uris = {turn_uri("eu-0.test"), turn_uri("eu-0.test", 3478, api::Transport::tcp)};
  proofs_[{"eu-0", "turn:eu-0.test:3478?transport=tcp"}] = Proof::works;
  EXPECT_THAT(make({.region = "eu", .user = "a"})->servers[0].urls,
              ElementsAre("turn:eu-0.test:3478?transport=udp", "turn:eu-0.test:3478?transport=tcp"));
}

TEST_F(IceConfigTest, AClientThatHasMeasuredGetsItsNearestRegion) {
  using std::chrono::milliseconds;
  const IceRequest request{.user = "alice", .rtts = {{"us", milliseconds(30)}, {"eu", milliseconds(90)}}};
  auto config = make(request);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->region, "us");
  EXPECT_EQ(config->served_by, "us");
  // Backups by the same, those that were not measured last.
  verdicts_["us-0"] = Verdict::unhealthy;
  EXPECT_EQ(make(request)->served_by, "eu");
  config = make({.region = "eu", .user = "alice", .rtts = {{"asia", milliseconds(1)}, {"us", milliseconds(2)}}});
  EXPECT_EQ(config->region, "eu") << "a region that is named outright was overruled";
  verdicts_["eu-0"] = verdicts_["eu-1"] = Verdict::unhealthy;
  EXPECT_EQ(make({.region = "eu", .user = "alice", .rtts = {{"asia", milliseconds(1)}}})->served_by, "asia");
  // The cluster's own order is an order.
  verdicts_["us-0"] = Verdict::healthy;
  cluster_.regions[0].backups = {"us", "asia"};
  EXPECT_EQ(make({.region = "eu", .user = "alice", .rtts = {{"asia", milliseconds(1)}}})->served_by, "us");
  EXPECT_EQ(make({.user = "alice", .rtts = {{"mars", milliseconds(1)}}})->region, "eu") << "not one of ours";
}

TEST_F(IceConfigTest, AClientThatHasNotMeasuredGetsTheRegionsThatVantagesFoundNearest) {
  using std::chrono::milliseconds;
  cluster_.regions[0].backups.clear();
  cluster_.regions[0].nearest = {"asia", "us"};
  verdicts_["eu-0"] = verdicts_["eu-1"] = Verdict::unhealthy;
  EXPECT_EQ(make({.region = "eu", .user = "alice"})->served_by, "asia");
  EXPECT_EQ(make({.region = "eu", .user = "alice", .rtts = {{"us", milliseconds(9)}}})->served_by, "us")
      << "what the client measured counts more";
  EXPECT_EQ(make({.region = "eu", .user = "alice", .rtts = {{"eu", milliseconds(1)}}})->served_by, "asia")
      << "it says nothing of these two";
  cluster_.regions[0].backups = {"us", "asia"};
  EXPECT_EQ(make({.region = "eu", .user = "alice"})->served_by, "us") << "and what is named counts most";
}

TEST_F(IceConfigTest, LifetimeIsBoundedByPolicy) {
  using std::chrono::seconds;
  cluster_.credential_ttl = std::chrono::hours(8);
  const auto life = [&](seconds wanted) { return make({.user = "alice", .ttl = wanted})->expires - kNow; };
  EXPECT_EQ(life(seconds(600)), seconds(600));
  EXPECT_EQ(life(seconds(1)), seconds(60));
  EXPECT_EQ(life(seconds(-5)), seconds(60));
  EXPECT_EQ(life(std::chrono::hours(9)), std::chrono::hours(8)) << "longer than a rotation waits for";
  EXPECT_EQ(life(seconds::max()), std::chrono::hours(8));
}

TEST_F(IceConfigTest, RelayOnlyListsHaveNoStun) {
  cluster_.stun_servers = {"stun:stun.test:3478"};
  const auto config = make({.user = "alice", .relay_only = true});
  ASSERT_THAT(config->servers, Not(IsEmpty()));
  for (const auto& server : config->servers) EXPECT_NE(server.relay, "");
}

TEST_F(IceConfigTest, KeyIsThatOfTheRelaysInTheList) {
  EXPECT_EQ(make({.user = "alice"})->key, "k2");
  for (auto& region : cluster_.regions) {
    for (auto& one : region.relays) one.credential = StaticCredential{"guest", Secret("word")};
  }
  EXPECT_EQ(make({.user = "alice"})->key, "") << "a rotation would be pushed to clients that it does not concern";
}

// Beside ours, a vendor's.
class ProviderTest : public IceConfigTest {
 protected:
  ProviderTest() {
    regions({{"eu", 1}, {"us", 1}, {"twilio", 1}});
    cluster_.regions[2].external = true;
    cluster_.regions[2].relays[0].credential =
        ProvidedCredential{"twilio", "t", Secret("p"), kNow + std::chrono::hours(1)};
  }
};

TEST_F(ProviderTest, FallbackComesOnceNoneOfOursIsUsable) {
  EXPECT_THAT(relays_for("us"), ElementsAre("us-0", "eu-0")) << "a call went over relays that somebody bills";
  cluster_.regions[1].backups = {"eu"};  // a provider need not be among them
  verdicts_ = {{"us-0", Verdict::unhealthy}};
  EXPECT_THAT(relays_for("us"), ElementsAre("eu-0"));
  verdicts_ = {{"eu-0", Verdict::unhealthy}, {"us-0", Verdict::unhealthy}};
  EXPECT_THAT(relays_for("us"), ElementsAre("twilio-0"));
  verdicts_["twilio-0"] = Verdict::unhealthy;
  EXPECT_THAT(relays_for("us"), ElementsAre("us-0", "eu-0", "twilio-0"));
}

TEST_F(ProviderTest, OnlyMeansOursWhenNoneOfTheirsIsUsable) {
  cluster_.provider_use = ProviderUse::only;
  EXPECT_THAT(relays_for("eu"), ElementsAre("twilio-0"));
  EXPECT_EQ(make({.region = "eu", .user = "a"})->region, "eu");
  verdicts_["twilio-0"] = Verdict::unhealthy;
  EXPECT_THAT(relays_for("eu"), ElementsAre("eu-0", "us-0"));
}

TEST_F(ProviderTest, CheapestGoesByCostAndOursFirstAmongEquals) {
  cluster_.provider_use = ProviderUse::cheapest;
  cluster_.regions[2].cost_per_gigabyte = 0.4;
  EXPECT_THAT(relays_for("eu"), ElementsAre("eu-0", "us-0", "twilio-0"));
  cluster_.regions[0].cost_per_gigabyte = cluster_.regions[1].cost_per_gigabyte = 0.5;
  EXPECT_THAT(relays_for("eu"), ElementsAre("twilio-0", "eu-0", "us-0"));
  cluster_.regions[2].cost_per_gigabyte = 0.5;
  EXPECT_THAT(relays_for("eu"), ElementsAre("eu-0", "us-0", "twilio-0"));
}

TEST_F(ProviderTest, NobodyAsksForAProvidersRegion) {
  const auto config = make({.region = "twilio", .user = "alice"});
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().error.text(), "cluster calls has no region \"twilio\"; choose one of eu, us");
  EXPECT_EQ(make({.user = "alice", .rtts = {{"twilio", std::chrono::milliseconds(1)}}})->region, "eu");
}

TEST_F(ProviderTest, AloneItServesEverybody) {
  cluster_.regions.erase(cluster_.regions.begin(), cluster_.regions.begin() + 2);
  const auto config = make({.user = "alice"});
  ASSERT_TRUE(config) << config.error().error.text();
  EXPECT_EQ(config->region, "");
  EXPECT_EQ(config->served_by, "twilio");
  EXPECT_EQ(config->expires, kNow + std::chrono::hours(1));
}

TEST_F(IceConfigTest, EachServerOfAMonitorYamlMayHaveItsOwnCredential) {
  cluster_.signing_keys.clear();
  const auto hour = std::chrono::hours(1);
  cluster_.regions[0].relays.pop_back();
  cluster_.regions[0].relays[0].credential = SharedSecret{Secret("south"), {}};
  cluster_.regions[1].relays[0].credential = ProvidedCredential{"twilio", "t", Secret("p"), kNow + hour};
  const auto config = make({.region = "eu", .user = "alice@example.org"});
  ASSERT_TRUE(config) << config.error().error.text();
  ASSERT_THAT(config->servers, SizeIs(2)) << "asia has a relay without a key: it is left out, and no more";
  EXPECT_EQ(config->servers[0].username, "1700086400:alice@example.org");
  EXPECT_EQ(config->servers[1].username, "t");
  EXPECT_EQ(config->servers[1].credential.reveal(), "p");
  EXPECT_EQ(config->expires, kNow + hour) << "a client must ask again before the first of them runs out";
  EXPECT_LE(config->refresh_at, kNow + std::chrono::minutes(45));
}

TEST_F(IceConfigTest, ARelayWhoseProvidedCredentialHasRunOutIsNotGivenOut) {
  cluster_.regions[0].relays[0].credential = ProvidedCredential{"twilio", "t", Secret("p"), kNow};
  EXPECT_THAT(relays_for("eu"), Not(Contains("eu-0")));
}

TEST_F(IceConfigTest, CredentialsAreSignedWithTheIssuingKeyAndExpire) {
  cluster_.credential_ttl = std::chrono::hours(8);
  const auto config = make({.region = "eu", .user = "alice@example.org"});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->servers[0].username, "1700028800:alice@example.org");
  // openssl: printf 1700028800:alice@example.org | openssl dgst -sha1 -hmac south -binary | base64
  EXPECT_EQ(config->servers[0].credential.reveal(), "uEnDm09cdekYQH0+hCX6r3Cw/Tg=");
  EXPECT_EQ(config->expires, kNow + std::chrono::hours(8));
  EXPECT_LE(config->refresh_at, kNow + std::chrono::hours(6));
  EXPECT_GT(config->refresh_at, kNow + std::chrono::hours(6) - std::chrono::minutes(24));
}

TEST_F(IceConfigTest, StaticCredentialsPassThrough) {
  cluster_.signing_keys.clear();
  for (auto& region : cluster_.regions) {
    for (auto& one : region.relays) one.credential = StaticCredential{"guest", Secret("word")};
  }
  const auto config = make({.region = "eu", .user = "alice"});
  ASSERT_TRUE(config) << config.error().error.text();
  EXPECT_EQ(config->servers[0].username, "guest");
  EXPECT_EQ(config->servers[0].credential.reveal(), "word");
}

TEST_F(IceConfigTest, RelaysWithoutAKeyAreAnErrorNotASilentStunList) {
  cluster_.signing_keys.clear();
  cluster_.stun_servers = {"stun:stun.test:3478"};
  const auto config = make({.region = "eu", .user = "alice"});
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().kind, IceFailure::Kind::unavailable);
}

TEST_F(IceConfigTest, StunServersComeLastAndAloneWhenThereIsNothingElse) {
  cluster_.stun_servers = {"stun:a.test:3478", "stun:b.test:3478"};
  EXPECT_THAT(make({.region = "us", .user = "alice"})->servers.back().urls,
              ElementsAre("stun:a.test:3478", "stun:b.test:3478"));
  cluster_.regions.clear();
  const auto config = make({.user = "alice"});
  ASSERT_TRUE(config);
  ASSERT_THAT(config->servers, SizeIs(1));
  EXPECT_EQ(config->servers[0].username, "");
  EXPECT_EQ(config->served_by, "");
}

TEST_F(IceConfigTest, UnknownRegionNamesThoseThereAre) {
  const auto config = make({.region = "mars", .user = "alice"});
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().kind, IceFailure::Kind::not_found);
  EXPECT_EQ(config.error().error.text(), "cluster calls has no region \"mars\"; choose one of eu, us, asia");
}

TEST_F(IceConfigTest, UserAndSessionCannotForgeACredential) {
  for (const auto& bad : {std::string(""), std::string("9999999999:root"), std::string("a b"), std::string("a\nb"),
                          std::string("\xc3\xa9"), std::string(129, 'x'), std::string("a\0b", 3)}) {
    const auto config = make({.region = "eu", .user = bad});
    ASSERT_FALSE(config) << bad;
    EXPECT_EQ(config.error().kind, IceFailure::Kind::bad_request);
    EXPECT_FALSE(config.error().error.advice.empty());
    if (bad.empty()) continue;
    EXPECT_FALSE(make({.region = "eu", .user = "alice", .session = bad})) << bad;
  }
  EXPECT_TRUE(make({.region = "eu", .user = "A.b_c-d@e+f=g~9"}));
}

TEST_F(IceConfigTest, EquivalentMeansTheSameUrlsInTheSameOrder) {
  regions({{"eu", 2}});
  const auto config = *make({.region = "eu", .user = "alice", .session = "s"});
  EXPECT_TRUE(equivalent(config, *make({.region = "eu", .user = "bob", .session = "s"})));
  auto swapped = config;
  std::swap(swapped.servers[0], swapped.servers[1]);
  EXPECT_FALSE(equivalent(config, swapped));
  auto shorter = config;
  shorter.servers.pop_back();
  EXPECT_FALSE(equivalent(config, shorter));
}

// Clusters of every shape and in every state.
class AnyClusterTest : public IceConfigTest {
 protected:
  void shape(std::mt19937& random) {
    const auto below = [&](unsigned n) { return static_cast<int>(random() % n); };
    regions({{"eu", below(5)}, {"us", below(4)}, {"asia", below(3)}, {"twilio", below(3)}});
    cluster_.regions[3].external = true;
    cluster_.provider_use = static_cast<ProviderUse>(below(3));
    verdicts_.clear();
    proofs_.clear();
    for (auto& region : cluster_.regions) {
      region.cost_per_gigabyte = below(3);
      if (below(3) == 0 && !region.external) region.backups = {below(2) ? "asia" : "us"};
      region.nearest = other_regions(cluster_, region);
      std::ranges::shuffle(region.nearest, random);
      region.nearest.resize(random() % (region.nearest.size() + 1));
      for (auto& one : region.relays) {
        verdicts_[one.name] = static_cast<Verdict>(below(5));
        one.draining = below(10) == 0;
        if (below(2)) one.uris.push_back(turn_uri(one.name + ".test", 3478, api::Transport::tcp));
        if (below(2)) one.uris.push_back(*turn::Uri::parse("turns:" + one.name + ".test:443?transport=tcp"));
        for (const auto& uri : one.uris) proofs_[{one.name, uri.to_string()}] = static_cast<Proof>(below(3));
      }
    }
  }
  Verdict verdict_of(const std::string& relay) {
    for (const auto& region : cluster_.regions) {
      for (const auto& one : region.relays) {
        if (one.name == relay && one.draining) return Verdict::draining;
      }
    }
    return verdicts_.at(relay);
  }
  static bool good(Verdict verdict) { return verdict == Verdict::healthy || verdict == Verdict::degraded; }
};

TEST_F(AnyClusterTest, ListsKeepTheirPromises) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000 && !HasFailure(); ++round) {
    shape(random);
    SCOPED_TRACE(round);
    const auto& own = cluster_.regions[random() % 3];
    const auto session = std::to_string(random());
    const auto config = make({.region = own.name, .user = "alice", .session = session});
    ASSERT_TRUE(config);
    std::set<std::string> urls;
    std::size_t listed = 0;
    bool usable_listed = false;
    bool others_listed = false;
    for (const auto& server : config->servers) {
      listed += server.urls.size();
      urls.insert(server.urls.begin(), server.urls.end());
      (good(verdict_of(server.relay)) ? usable_listed : others_listed) = true;
    }
    EXPECT_LE(listed, 4u);
    EXPECT_EQ(urls.size(), listed) << "a URL was given twice";
    // Who serves is what the failover page and the metrics say.
    std::vector<RegionHealth> health;
    bool reachable = false;
    for (const auto& region : cluster_.regions) {
      auto& to = health.emplace_back();
      to = {.name = region.name,
            .backups = backup_order(cluster_, region),
            .relays = {},
            .external = region.external,
            .cost_per_gigabyte = region.cost_per_gigabyte};
      const bool eligible =
          &region == &own || region.external || own.backups.empty() || std::ranges::count(own.backups, region.name) > 0;
      for (const auto& one : region.relays) {
        to.relays.push_back(verdict_of(one.name));
        reachable |= eligible && good(to.relays.back());
      }
    }
    EXPECT_EQ(usable_listed, reachable);
    const auto serving = serving_region(health, own.name, cluster_.provider_use);
    EXPECT_EQ(config->served_by, serving.empty() ? config->served_by : serving);
    if (usable_listed && good(verdict_of(config->servers[0].relay))) {
      EXPECT_FALSE(others_listed) << "an unusable relay is listed while a usable one is there";
    }
    // The other end.
    const auto bob = make({.region = own.name, .user = "bob", .session = session});
    EXPECT_TRUE(equivalent(*config, *bob));
  }
}

TEST_F(IceConfigTest, ARelayThatComesTakesOnlyItsShare) {
  regions({{"eu", 9}});
  std::vector<std::string> before;
  for (int i = 0; i < 5000; ++i) before.push_back(relays_for("eu", "call-" + std::to_string(i)).front());
  regions({{"eu", 10}});
  int moved = 0;
  for (int i = 0; i < 5000; ++i) {
    const auto after = relays_for("eu", "call-" + std::to_string(i)).front();
    if (after == before[i]) continue;
    EXPECT_EQ(after, "eu-9") << "a session moved between relays that were there before";
    ++moved;
  }
  EXPECT_NEAR(moved, 500, 90);
}

TEST(FindCluster, NameMayBeLeftOutWhenThereIsOnlyOne) {
  Fleet fleet;
  EXPECT_EQ(find_cluster(fleet, "").error().kind, IceFailure::Kind::unavailable);
  fleet.clusters.push_back({.name = "ns/calls"});
  EXPECT_EQ((*find_cluster(fleet, ""))->name, "ns/calls");
  EXPECT_EQ(find_cluster(fleet, "x").error().kind, IceFailure::Kind::not_found);
  fleet.clusters.push_back({.name = "ns/other"});
  EXPECT_EQ((*find_cluster(fleet, "ns/other"))->name, "ns/other");
  EXPECT_EQ(find_cluster(fleet, "").error().kind, IceFailure::Kind::bad_request);
  EXPECT_THAT(find_cluster(fleet, "").error().error.advice, HasSubstr("ns/calls, ns/other"));
}

}  // namespace
}  // namespace turnkeeper::monitor
