#include "monitor/target/monitor_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

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
- {name: eu-0, region: eu, url: "turn:turn.example.org:3479?transport=udp", secretFile: turn.secret}
- {name: eu-1, region: eu, url: "turn:[2001:db8::1]", secretFile: turn.secret}
- {name: other, region: us, url: "turn:192.0.2.7", username: user, passwordFile: password}
)");
  ASSERT_TRUE(config) << api::problems_text(config.error());
  EXPECT_EQ(config->vantage, "laptop");
  const auto& cluster = config->fleet.clusters.at(0);
  EXPECT_EQ(cluster.probing, (api::Probing{200ms, 4, 30s}));
  EXPECT_EQ(cluster.credential_ttl, 1h);
  EXPECT_EQ(cluster.stun_servers, std::vector<std::string>{"stun:stun.example.org:3478"});
  ASSERT_NE(api::issuing_key(cluster.signing_keys), nullptr);
  EXPECT_EQ(api::issuing_key(cluster.signing_keys)->secret.reveal(), "north");
  ASSERT_EQ(cluster.regions.size(), 2U);
  EXPECT_EQ(cluster.regions[0].relays[0].host, "turn.example.org");
  EXPECT_EQ(cluster.regions[0].relays[0].port, 3479);
  EXPECT_EQ(cluster.regions[0].relays[1].host, "2001:db8::1");
  EXPECT_FALSE(cluster.regions[0].relays[0].static_credential);
  ASSERT_TRUE(cluster.regions[1].relays[0].static_credential);
  EXPECT_EQ(cluster.regions[1].relays[0].static_credential->username, "user");
  EXPECT_EQ(cluster.regions[1].relays[0].static_credential->password.reveal(), "open sesame");
}

TEST_F(MonitorConfigTest, EveryMistakeIsShownAtOnceWhereItStands) {
  const auto text = problems(R"(vantag: laptop
probing: {canary: 1ms}
servers:
- {name: eu-0, region: eu, url: "turns:turn.example.org", secretFile: turn.secret}
- {name: eu-1, region: eu, url: "turn:turn.example.org"}
- {name: eu-2, region: eu, url: "turn:turn.example.org", secretFile: absent.secret}
)");
  EXPECT_THAT(text, HasSubstr("monitor.yaml:1:1: vantag"));
  EXPECT_THAT(text, HasSubstr("did you mean 'vantage'?"));
  EXPECT_THAT(text, HasSubstr("monitor.yaml:2:19: probing.canary"));
  EXPECT_THAT(text, HasSubstr("monitor.yaml:4:33: servers[0].url: 'turns:turn.example.org' is not a turn: URL"));
  EXPECT_THAT(text, HasSubstr("monitor.yaml:5:3: servers[1]: has no credential"));
  EXPECT_THAT(text, HasSubstr("monitor.yaml:6:"));
  EXPECT_THAT(text, HasSubstr("absent.secret"));
}

TEST_F(MonitorConfigTest, AFileThatIsNotYamlIsShownWhereItBreaks) {
  EXPECT_THAT(problems("servers:\n- {name: eu-0\n"), HasSubstr("monitor.yaml:3:"));
}

TEST_F(MonitorConfigTest, ServersWithDifferentSecretsAreRefusedInsteadOfAllFailingButOne) {
  EXPECT_THAT(problems(R"(servers:
- {name: eu-0, region: eu, url: "turn:turn.example.org", secretFile: turn.secret}
- {name: us-0, region: us, url: "turn:turn.example.org", secretFile: other.secret}
)"),
              HasSubstr("monitor.yaml:3:70: servers[1].secretFile: holds another secret"));
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
