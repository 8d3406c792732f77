#include "monitor/config/monitor_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class MonitorConfigTest : public testing::Test {
 protected:
  MonitorConfigTest() {
    std::filesystem::create_directories(folder_);
    write("turn.secret", "north\n");
    write("other.secret", "south\n");
    write("password", "open sesame\n");
  }
  ~MonitorConfigTest() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ + "/" + name) << text; }
  tl::expected<MonitorConfig, api::Problems> load(const std::string& yaml) {
    write("monitor.yaml", yaml);
    return load_monitor_config(folder_ + "/monitor.yaml");
  }
  std::string problems(const std::string& yaml) {
    const auto config = load(yaml);
    return config ? "no problem" : api::problems_text(config.error(), "monitor.yaml");
  }

  const std::string folder_ = testing::TempDir() + "monitor-config-" + std::to_string(getpid());
};

TEST_F(MonitorConfigTest, WatchesAnyTurnServers) {
  const auto config = load(R"(vantage: laptop
probing: {canary: 200ms, misses: 4, full: 30s}
credentials: {ttl: 1h}
stunServers: ["stun:stun.example.org:3478"]
servers:
- name: eu-0
  region: eu
  urls: ["turn:turn.example.org:3479?transport=udp", "turns:turn.example.org"]
  secretFile: turn.secret
  oldSecretFiles: [other.secret]
  publicAddress: 192.0.2.1
  allowedPeers: [10.0.0.0/8, "fd00::1"]
- {name: eu-1, region: eu, url: "turn:[2001:db8::1]", secretFile: other.secret}
- {name: other, region: us, url: "turn:192.0.2.7:3478?transport=tcp", username: user, passwordFile: password}
)");
  ASSERT_TRUE(config) << api::problems_text(config.error());
  EXPECT_EQ(config->vantage, "laptop");
  const auto& cluster = config->fleet.clusters.at(0);
  EXPECT_EQ(cluster.probing, (api::Probing{200ms, 4, 30s}));
  EXPECT_EQ(cluster.credential_ttl, 1h);
  EXPECT_EQ(cluster.stun_servers, std::vector<std::string>{"stun:stun.example.org:3478"});
  ASSERT_EQ(cluster.regions.size(), 2U);
  const auto& eu0 = cluster.regions[0].relays.at(0);
  ASSERT_EQ(eu0.uris.size(), 2U);
  EXPECT_EQ(eu0.uris[0].to_string(), "turn:turn.example.org:3479?transport=udp");
  EXPECT_EQ(eu0.uris[1].to_string(), "turns:turn.example.org?transport=tcp");
  EXPECT_EQ(eu0.credential, CredentialSource(SharedSecret{Secret("north"), {Secret("south")}}));
  EXPECT_EQ(eu0.public_addresses, std::vector<std::string>{"192.0.2.1"});
  EXPECT_EQ(eu0.allowed_peers, (std::vector{*parse_range("10.0.0.0/8"), *parse_range("fd00::1")}));
  const auto& eu1 = cluster.regions[0].relays.at(1);
  EXPECT_EQ(eu1.uris.at(0).to_string(), "turn:[2001:db8::1]?transport=udp") << "UDP, as a browser reads it";
  EXPECT_EQ(eu1.credential, CredentialSource(SharedSecret{Secret("south"), {}}));
  EXPECT_EQ(cluster.regions[1].relays.at(0).credential,
            CredentialSource(StaticCredential{"user", Secret("open sesame")}));
}

TEST_F(MonitorConfigTest, ACredentialApiStandsInForUrlsAndCredentials) {
  const auto config = load(R"(servers:
- {name: twilio, region: us, provider: {type: twilio, accountSid: AC00, secretFile: turn.secret, ttl: 2h}}
- {name: own, region: eu, provider: {type: turn-rest, url: "https://turn.example.org/", username: alice}}
)");
  ASSERT_TRUE(config) << api::problems_text(config.error());
  const auto& providers = config->fleet.clusters[0].providers;
  ASSERT_EQ(providers.size(), 2U);
  const auto& twilio = providers[0];
  EXPECT_EQ(twilio.in_region, "us");
  EXPECT_EQ(twilio.name, "twilio");
  EXPECT_EQ(twilio.type, ProviderConfig::Type::twilio);
  EXPECT_EQ(twilio.account, "AC00");
  EXPECT_EQ(twilio.secret.reveal(), "north");
  EXPECT_EQ(twilio.ttl, 2h);
  EXPECT_EQ(twilio.probe_every, 0ms) << "as the servers beside it are";
  EXPECT_EQ(providers[1].user, "alice");
  EXPECT_EQ(config->fleet.clusters[0].regions[0].name, "us") << "backs eu up although it has no relay yet";
}

TEST_F(MonitorConfigTest, ProvidersCanBeAFallback) {
  write("list.json", R"([{"urls": "turn:c.example.org", "username": "u", "credential": "p"}])");
  const auto config = load(R"(servers:
- {name: own, region: eu, url: "turn:192.0.2.1", secretFile: turn.secret}
failover:
  use: cheapest
  costPerGigabyte: "0.01"
  providers:
  - {name: twilio, type: twilio, account: AC00, secretFile: turn.secret, costPerGigabyte: "0.40", probeEvery: 5m}
  - {name: open, type: static, urls: ["turn:a.example.org"], username: u, secretFile: password, costPerGigabyte: "1"}
  - {name: list, type: static, secretFile: list.json, costPerGigabyte: "1"}
  - {name: friend, type: shared-secret, urls: ["turn:b.example.org"], secretFile: other.secret, costPerGigabyte: "1"}
)");
  ASSERT_TRUE(config) << api::problems_text(config.error());
  const auto& cluster = config->fleet.clusters[0];
  EXPECT_EQ(cluster.provider_use, ProviderUse::cheapest);
  EXPECT_EQ(cluster.regions[0].cost_per_gigabyte, 0.01);
  ASSERT_EQ(cluster.providers.size(), 4U);
  EXPECT_EQ(cluster.providers[0].in_region, "");
  EXPECT_EQ(cluster.providers[0].account, "AC00");
  EXPECT_EQ(cluster.providers[0].cost_per_gigabyte, 0.4);
  EXPECT_EQ(cluster.providers[0].probe_every, 5min);
  EXPECT_EQ(cluster.providers[1].uris.size(), 1U);
  EXPECT_EQ(cluster.providers[1].probe_every, 60s) << "full probes cost money";
  EXPECT_EQ(cluster.providers[3].secret.reveal(), "south");
  EXPECT_TRUE(load("failover: {providers: [{name: t, type: twilio, account: AC, secretFile: turn.secret}]}"))
      << "they may be all that there is";
}

TEST_F(MonitorConfigTest, MistakesInAFallbackAreShown) {
  const auto text = problems(R"(servers:
- {name: own, region: eu, url: "turn:192.0.2.1", secretFile: turn.secret}
failover:
  use: Fallback
  providers:
  - {name: eu, type: twilio, account: AC00, secretFile: turn.secret}
  - {name: a, type: static, urls: ["turn:a.example.org"], secretFile: password}
  - {name: b, type: static, secretFile: password}
  - {name: c, type: shared-secret, secretFile: password, ttl: 1h}
  - {name: d, type: metered, secretFile: password, url: app.metered.live, probeEvery: 10ms}
)");
  EXPECT_THAT(text, HasSubstr("monitor.yaml:4:8: failover.use: 'Fallback' is not supported; did you mean 'fallback'"));
  EXPECT_THAT(text, HasSubstr("failover.providers[0].name: 'eu' is the name of another region"));
  EXPECT_THAT(text, HasSubstr("failover.providers[1]: has urls and no username"));
  EXPECT_THAT(text, HasSubstr("failover.providers[2]: provider b: without urls its secret must be a list"));
  EXPECT_THAT(text, HasSubstr("failover.providers[3].urls: is missing"));
  EXPECT_THAT(text, HasSubstr("failover.providers[3].ttl: there is no such field"));
  EXPECT_THAT(text, HasSubstr("failover.providers[4].url: 'app.metered.live' is not valid"));
  EXPECT_THAT(text, HasSubstr("failover.providers[4].probeEvery"));
  EXPECT_THAT(problems("failover: {use: cheapest, providers: [{name: t, type: twilio, account: AC, secretFile: "
                       "turn.secret}]}"),
              HasSubstr("nobody knows what it costs"));
}

TEST_F(MonitorConfigTest, AProvidersMissingAndForeignKeysAreShown) {
  const auto text = problems(R"(servers:
- {name: a, region: us, provider: {type: twillio, secretFile: turn.secret}}
- {name: b, region: us, provider: {type: cloudflare, secretFile: turn.secret, accountSid: AC00}}
- {name: c, region: us, provider: {type: metered, secretFile: turn.secret}}
)");
  EXPECT_THAT(text, HasSubstr("monitor.yaml:2:42: servers[0].provider.type: 'twillio' is not supported; did you mean"));
  EXPECT_THAT(text, testing::Not(HasSubstr("servers[0].provider.url"))) << "who knows what it needs";
  EXPECT_THAT(text, HasSubstr("servers[1].provider.keyId: is missing"));
  EXPECT_THAT(text, HasSubstr("servers[1].provider.accountSid"));
  EXPECT_THAT(text, HasSubstr("servers[2].provider.url: is missing"));
}

TEST_F(MonitorConfigTest, EverythingThatItSaysBesideServersIsTakenOver) {
  const std::string make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=ca -out " +
                           folder_ + "/ca.pem -keyout /dev/null 2>/dev/null";
  ASSERT_EQ(std::system(make.c_str()), 0);
  write("slack.url", "https://hooks.example.org/T0");
  const auto config =
      load(R"(probing: {checks: false, mtu: true, throughput: {packets: 100, size: 1000, perSecond: 200}}
uptime: {target: 99.9}
clients: {regionHeader: {name: CF-IPCountry, map: {DE: eu}}}
tls: {caFile: ca.pem}
exchange:
  listen: 0.0.0.0:8481
  peers: ["us.example.org:8481"]
  peersDns: monitors.example.org:8481
  tls: {certFile: ca.pem, keyFile: ca.pem, caFile: ca.pem}
modules:
  tls: {transport: tls, timeout: 3s, secretFile: turn.secret, checks: true}
  fleet: {}
notifications:
- {name: on-call, type: slack, urlFile: slack.url, minSeverity: critical, resolved: false}
- {name: bus, url: "https://bus.example.org/", headerFiles: {Authorization: other.secret}}
servers: [{name: eu-0, region: eu, url: "turn:192.0.2.1", secretFile: turn.secret}]
)");
  ASSERT_TRUE(config) << api::problems_text(config.error());
  EXPECT_FALSE(config->checks);
  EXPECT_TRUE(config->mtu);
  EXPECT_EQ(config->throughput, (ThroughputPlan{100, 1000, 200}));
  EXPECT_EQ(config->uptime_target, 99.9);
  EXPECT_EQ(config->region_header, (RegionHeader{"cf-ipcountry", {{"DE", "eu"}}}));
  EXPECT_EQ(config->tls.ca_file, folder_ + "/ca.pem");
  ASSERT_TRUE(config->exchange);
  EXPECT_EQ(config->exchange->peers, std::vector<std::string>{"us.example.org:8481"});
  EXPECT_EQ(config->exchange->key, folder_ + "/ca.pem");
  ASSERT_EQ(config->modules.size(), 2U);
  const auto& module = config->modules.at("tls");
  EXPECT_EQ(module.transport, turn::Protocol::tls);
  EXPECT_EQ(module.timeout, 3s);
  EXPECT_EQ(module.tls.ca_file, folder_ + "/ca.pem");
  EXPECT_EQ(std::get<ProbeModule::FromSecret>(module.credential).secret.reveal(), "north");
  ASSERT_EQ(config->receivers.size(), 2U);
  EXPECT_EQ(config->receivers[0].type, Receiver::Type::slack);
  EXPECT_EQ(config->receivers[0].min_severity, Severity::critical);
  EXPECT_FALSE(config->receivers[0].resolved);
  EXPECT_EQ(config->receivers[1].header_files.at("Authorization"), folder_ + "/other.secret");
}

TEST_F(MonitorConfigTest, TheExampleIsGood) {
  for (const char* file :
       {"turn-eu.secret", "turn-eu.secret.2025", "us.password", "twilio.token", "open.password", "ntfy.token"}) {
    write(file, std::string("contents of ") + file);
  }
  write("slack.url", "https://hooks.example.org/services/T0");
  std::ifstream example(TURNKEEPER_SOURCE_DIR "/examples/monitor.yaml");
  std::stringstream text;
  text << example.rdbuf();
  EXPECT_EQ(problems(text.str()), "no problem");
}

TEST_F(MonitorConfigTest, EveryMistakeIsShownAtOnceWhereItStands) {
  const auto text = problems(R"(vantag: laptop
probing: {canary: 1ms}
servers:
- {name: eu-0, region: eu, url: "stun:turn.example.org", secretFile: turn.secret}
- {name: eu-1, region: eu, url: "turn:turn.example.org"}
- {name: eu-2, region: eu, url: "turn:turn.example.org", secretFile: absent.secret}
- {name: eu-3, region: eu, urls: ["turn:a.test", "turn:a.test"], username: u, publicAddress: a.test}
- {name: eu-4, region: eu, url: "turn:a.test", secretFile: turn.secret, oldSecretFiles: [turn.secret]}
- {name: eu-5, region: eu, secretfile: turn.secret}
exchange: {listen: "8481", peers: [us]}
tls: {caFile: password}
notifications: [{name: a, url: "ftp://x"}, {name: a, urlFile: absent}, {name: c, urlFile: password}, {name: d, urlFile: .}]
modules: {"a b": {transport: sctp}}
uptime: {target: 200}
clients: {regionHeader: {name: "a b", map: {DE: mars}}}
statusUrl: "https://"
)");
  EXPECT_THAT(text, HasSubstr("monitor.yaml:1:1: vantag"));
  EXPECT_THAT(text, HasSubstr("did you mean 'vantage'?"));
  EXPECT_THAT(text, HasSubstr("monitor.yaml:2:19: probing.canary"));
  EXPECT_THAT(text, HasSubstr("monitor.yaml:4:33: servers[0].url: 'stun:turn.example.org' is not a TURN URL"));
  EXPECT_THAT(text, HasSubstr("monitor.yaml:5:3: servers[1]: has no credential"));
  EXPECT_THAT(text, HasSubstr("monitor.yaml:6:"));
  EXPECT_THAT(text, HasSubstr("absent.secret"));
  EXPECT_THAT(text, HasSubstr("servers[3].urls[1]: 'turn:a.test' is listed twice"));
  EXPECT_THAT(text, HasSubstr("servers[3]: has no password"));
  EXPECT_THAT(text, HasSubstr("servers[3].publicAddress: 'a.test' is not an IP address"));
  EXPECT_THAT(text, HasSubstr("servers[4].oldSecretFiles[0]: 'turn.secret' holds the present secret"));
  EXPECT_THAT(text, HasSubstr("servers[5]: has no URL"));
  EXPECT_THAT(text, HasSubstr("did you mean 'secretFile'?"));
  EXPECT_THAT(text, HasSubstr("exchange.listen"));
  EXPECT_THAT(text, HasSubstr("exchange.peers[0]: 'us' is no address of a monitor"));
  EXPECT_THAT(text, HasSubstr("exchange: has no tls"));
  EXPECT_THAT(text, HasSubstr("tls.caFile: "));
  EXPECT_THAT(text, HasSubstr("notifications[0].url"));
  EXPECT_THAT(text, HasSubstr("'a' is the name of another receiver"));
  EXPECT_THAT(text, HasSubstr("notifications[1].urlFile: 'absent' cannot be read"));
  EXPECT_THAT(text, HasSubstr("notifications[2].urlFile: the URL does not begin with"));
  EXPECT_THAT(text, HasSubstr("notifications[3].urlFile: '.' cannot be read: Is a directory"));
  EXPECT_THAT(text, HasSubstr("'a b' is no name"));
  EXPECT_THAT(text, HasSubstr("'sctp' is not supported"));
  EXPECT_THAT(text, HasSubstr("uptime.target: 200 is no percentage"));
  EXPECT_THAT(text, HasSubstr("clients.regionHeader.name"));
  EXPECT_THAT(text, HasSubstr("maps DE to 'mars', which is no region"));
  EXPECT_THAT(text, HasSubstr("statusUrl: 'https://'"));
}

TEST_F(MonitorConfigTest, EveryFileThatMattersIsToldEvenOneThatIsMissing) {
  write("monitor.yaml", R"(servers:
- {name: eu-0, region: eu, url: "turn:a.test", secretFile: absent.secret, oldSecretFiles: [turn.secret]}
)");
  std::set<std::string> files;
  EXPECT_FALSE(load_monitor_config(folder_ + "/monitor.yaml", &files));
  EXPECT_EQ(files,
            (std::set<std::string>{folder_ + "/monitor.yaml", folder_ + "/absent.secret", folder_ + "/turn.secret"}));
}

TEST_F(MonitorConfigTest, AFileThatIsNotYamlIsShownWhereItBreaks) {
  EXPECT_THAT(problems("servers:\n- {name: eu-0\n"), HasSubstr("monitor.yaml:3:"));
}

TEST_F(MonitorConfigTest, TwoServersOfOneNameAreRefused) {
  EXPECT_THAT(problems(R"(servers:
- {name: eu-0, region: eu, url: "turn:192.0.2.1", secretFile: turn.secret}
- {name: eu-0, region: us, url: "turn:192.0.2.2", secretFile: turn.secret}
)"),
              HasSubstr("'eu-0' is the name of another server already"));
}

TEST_F(MonitorConfigTest, AnEmptySecretIsAMistakeAndNoSecretIsEverShown) {
  write("turn.secret", "\n");
  const auto text = problems(R"(servers:
- {name: eu-0, region: eu, url: "turn:192.0.2.1", secretFile: turn.secret}
- {name: us-0, region: us, url: "turn:192.0.2.2", secretFile: other.secret, username: u}
)");
  EXPECT_THAT(text, HasSubstr("'turn.secret' is empty"));
  EXPECT_THAT(text, testing::Not(HasSubstr("south")));
}

TEST_F(MonitorConfigTest, AMissingFileIsAProblemWithoutALine) {
  const auto config = load_monitor_config(folder_ + "/absent.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().at(0).line, 0);
}

}  // namespace
}  // namespace turnkeeper::monitor
