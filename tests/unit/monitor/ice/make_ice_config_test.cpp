#include "monitor/ice/make_ice_config.hpp"

#include <gmock/gmock.h>

#include <map>
#include <set>

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
  EXPECT_THAT(relays_for("us"), ElementsAre("us-0", "eu-0", "eu-1", "asia-0"));
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
  EXPECT_THAT(relays_for("us"), ElementsAre("us-0", "eu-0", "eu-1", "asia-0"));
  verdicts_["asia-0"] = Verdict::unknown;
  EXPECT_THAT(relays_for("us"), ElementsAre("asia-0")) << "what may work is better than what was seen to fail";
  everything_is(Verdict::draining);
  EXPECT_THAT(relays_for("us"), ElementsAre("us-0", "eu-0", "eu-1", "asia-0"));
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
  EXPECT_EQ(config->refresh_at, kNow + std::chrono::minutes(45));
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
  EXPECT_EQ(config->refresh_at, kNow + std::chrono::hours(6));
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
