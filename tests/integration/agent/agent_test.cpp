// The agent as a container runs it, with real relays: Debian 12's coturn and the newest one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "blocking_client.hpp"
#include "private_network.hpp"
#include "running_agent.hpp"
#include "turnkeeper/base/content_hash.hpp"

namespace turnkeeper::agent {
namespace {

using namespace std::chrono_literals;
using test::BlockingClient;
using test::try_allocation;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

[[maybe_unused]] const bool in_private_network = [] {
  test::enter_private_network({"10.77.0.1/32", "2001:db8::7/128"});
  return true;
}();

bool alive(pid_t pid) {
  return kill(pid, 0) == 0;
}

class EachCoturn : public testing::TestWithParam<const char*> {
 protected:
  RunningAgent agent_;
};

INSTANTIATE_TEST_SUITE_P(Versions, EachCoturn, each_coturn, coturn_name);

TEST_P(EachCoturn, IsReadyOnceRealAllocationsWork) {
  agent_.start({.turnserver = GetParam()});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  EXPECT_EQ(try_allocation(RunningAgent::relay, agent_.secret), "");
  EXPECT_THAT(try_allocation(RunningAgent::relay, Secret("wrong")), StartsWith("401"));
  EXPECT_EQ(agent_.get("/healthz"), 200);
  EXPECT_THAT(agent_.log(), Not(HasSubstr("Bad configuration")));
}

TEST_P(EachCoturn, EndsOnSigtermAfterTheLastCallAndLeavesNothingBehind) {
  agent_.start({.turnserver = GetParam()});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  const pid_t coturn = agent_.coturn_pid();
  ASSERT_TRUE(alive(coturn));
  BlockingClient call(RunningAgent::relay, credential(agent_.secret));
  ASSERT_EQ(call.allocate(), "");

  agent_.process().signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return agent_.get("/readyz") == 503; }));
  EXPECT_EQ(agent_.metric("turnkeeper_relay_draining"), 1);
  EXPECT_FALSE(agent_.wait(2s)) << "it cut the call";
  EXPECT_EQ(call.refresh(), "");
  ASSERT_EQ(call.bind_channel(call.relayed()), "");
  EXPECT_TRUE(call.echo("still talking"));

  EXPECT_EQ(call.release(), "");
  EXPECT_EQ(agent_.wait(), 0) << agent_.log();
  EXPECT_FALSE(alive(coturn));
  EXPECT_EQ(agent_.termination_message(), "drained");
}

TEST_P(EachCoturn, CutsCallsOnlyAtTheEndOfTheDrainTimeout) {
  agent_.start({.turnserver = GetParam(), .arguments = {"--drain-timeout=2s"}});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  const pid_t coturn = agent_.coturn_pid();
  BlockingClient call(RunningAgent::relay, credential(agent_.secret));
  ASSERT_EQ(call.allocate(), "");
  agent_.process().signal(SIGTERM);
  EXPECT_FALSE(agent_.wait(1s));
  EXPECT_EQ(agent_.wait(), 0) << agent_.log();
  EXPECT_FALSE(alive(coturn));
  EXPECT_THAT(agent_.log(), HasSubstr("sessions cut at the end of the drain timeout of 2 s"));
  EXPECT_EQ(agent_.termination_message(), "1 session cut at the end of the drain timeout of 2 s");
}

TEST_P(EachCoturn, StartsCoturnAgainWhenItDies) {
  agent_.start({.turnserver = GetParam()});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  const pid_t first = agent_.coturn_pid();
  ASSERT_EQ(kill(first, SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return agent_.metric("turnkeeper_relay_starts_total") == 2; }));
  EXPECT_TRUE(eventually([&] { return try_allocation(RunningAgent::relay, agent_.secret).empty(); }));
  EXPECT_NE(agent_.coturn_pid(), first);
  EXPECT_TRUE(agent_.wait_until_ready());
}

TEST_P(EachCoturn, TakesUpChangedKeysWithinTwoSecondsWithoutARestart) {
  agent_.start({.turnserver = GetParam()});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  const pid_t coturn = agent_.coturn_pid();
  const Secret added = Secret::random(32);
  EXPECT_THAT(try_allocation(RunningAgent::relay, added), StartsWith("401"));

  agent_.mount_keys({{"k1", agent_.secret, "Issuing"}, {"k2", added, "Staged"}});
  EXPECT_TRUE(eventually([&] { return try_allocation(RunningAgent::relay, added).empty(); }, 2s));
  EXPECT_EQ(try_allocation(RunningAgent::relay, agent_.secret), "");

  agent_.mount_keys({{"k1", agent_.secret, "Removed"}, {"k2", added, "Issuing"}});
  EXPECT_TRUE(eventually([&] { return try_allocation(RunningAgent::relay, agent_.secret).starts_with("401"); }, 2s));
  EXPECT_EQ(try_allocation(RunningAgent::relay, added), "");
  EXPECT_EQ(agent_.get("/readyz"), 200) << "readiness must use the new issuing key";
  EXPECT_EQ(agent_.state().at("keys"), nlohmann::json({"k2"})) << "the operator has to see that k1 is gone";
  EXPECT_EQ(agent_.coturn_pid(), coturn);
}

class AgentTest : public testing::Test {
 protected:
  RunningAgent agent_;
};

TEST_F(AgentTest, KeepsTheOldKeysWhenTheNewOnesAreUnreadable) {
  agent_.start();
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  agent_.mount_keys(R"([{"id": "k1", "secret": )");
  ASSERT_TRUE(eventually([&] { return agent_.log().find("signing keys not loaded") != std::string::npos; }));
  EXPECT_EQ(try_allocation(RunningAgent::relay, agent_.secret), "");
  EXPECT_EQ(agent_.get("/readyz"), 200);
}

TEST_F(AgentTest, IsNotReadyWhileTheRelayAnswersNothing) {
  agent_.start();
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  // Stopped, coturn's ports stay open: only an allocation can tell.
  const pid_t coturn = agent_.coturn_pid();
  ASSERT_EQ(kill(coturn, SIGSTOP), 0);
  EXPECT_TRUE(eventually([&] { return agent_.get("/readyz") == 503; }));
  EXPECT_EQ(agent_.get("/healthz"), 200) << "a restart would cut calls that may come back";
  ASSERT_EQ(kill(coturn, SIGCONT), 0);
  EXPECT_TRUE(agent_.wait_until_ready());
}

TEST_F(AgentTest, IsReadyWithoutUdpToo) {
  TemporaryAuthority certificates;
  for (const char* transport : {"TCP", "TLS", "DTLS"}) {
    agent_.mount_certificate(certificates.issue());
    agent_.start({.relay_json = std::string(R"({"realm": "x.example.org", "transports": [")") + transport + R"("]})"});
    EXPECT_TRUE(agent_.wait_until_ready()) << transport << agent_.log();
  }
}

TEST_F(AgentTest, ServesBothFamiliesOrThoseAskedFor) {
  const std::vector<std::string> both = {"--address=10.77.0.1,2001:db8::7"};
  agent_.start({.arguments = both});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  EXPECT_EQ(try_allocation("[2001:db8::7]:3478", agent_.secret), "");
  EXPECT_EQ(try_allocation(RunningAgent::relay, agent_.secret), "");
  agent_.start({.relay_json = R"({"realm": "x.example.org", "ipFamilies": ["IPv6"]})", .arguments = both});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  EXPECT_EQ(try_allocation("[2001:db8::7]:3478", agent_.secret), "");
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(3478);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << "coturn has it";
  close(fd);
}

TEST_F(AgentTest, SaysWhyCoturnCrashesAndBacksOff) {
  const std::string turnserver = agent_.script(R"(#!/bin/sh
[ "$1" = --version ] && { echo 4.6.1; exit; }
echo "0: : cannot do this"
exit 3
)");
  agent_.start({.turnserver = turnserver});
  ASSERT_TRUE(eventually([&] { return agent_.metric("turnkeeper_relay_starts_total") >= 3; })) << agent_.log();
  EXPECT_THAT(agent_.state().at("problem").get<std::string>(),
              testing::AllOf(StartsWith("coturn ended by itself with status 3"), HasSubstr("0: : cannot do this")));
  EXPECT_THAT(agent_.log(), HasSubstr("restart_in_ms=250"));
  EXPECT_THAT(agent_.log(), HasSubstr("restart_in_ms=500"));
  EXPECT_EQ(agent_.get("/readyz"), 503);
  EXPECT_EQ(agent_.get("/healthz"), 200) << "starting the container again would forget to back off";
}

TEST_F(AgentTest, TellsBytesOnlyWhereTheKernelCountsThemForTheRelayAlone) {
  agent_.start();
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  EXPECT_FALSE(agent_.state().contains("sentBytes"));
  agent_.start({.arguments = {"--count-bytes"}});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  EXPECT_EQ(agent_.state().at("sentBytes"), 0) << "what goes over the loopback never left the relay";
  EXPECT_EQ(agent_.state().at("receivedBytes"), 0);
}

TEST_F(AgentTest, CountsSessionsForPrometheus) {
  agent_.start();
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  EXPECT_TRUE(eventually([&] { return agent_.metric("turnkeeper_relay_sessions") == 0; }));
  BlockingClient first(RunningAgent::relay, credential(agent_.secret));
  BlockingClient second(RunningAgent::relay, credential(agent_.secret));
  ASSERT_EQ(first.allocate(), "");
  ASSERT_EQ(second.allocate(), "");
  EXPECT_EQ(agent_.metric("turnkeeper_relay_sessions"), 2);
  EXPECT_EQ(agent_.metric("turnkeeper_agent_signing_keys"), 1);
}

TEST_F(AgentTest, TellsTheOperatorItsStateAndNoSecret) {
  agent_.start();
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  ASSERT_TRUE(eventually([&] { return agent_.state().at("sessions") == 0; }));
  const auto state = agent_.state();
  EXPECT_EQ(state.at("keys"), nlohmann::json({"k1"}));
  EXPECT_EQ(state.at("configHash"), content_hash(RunningAgent::Options().relay_json));
  EXPECT_EQ(state.at("version"), "4.6.1");
  EXPECT_EQ(state.at("draining"), false);
  EXPECT_EQ(state.at("starts"), 1);
  std::string metrics;
  ASSERT_EQ(agent_.get("/metrics", &metrics), 200);
  EXPECT_THAT(metrics, HasSubstr(R"(turnkeeper_agent_signing_key_info{key="k1"} 1)"));
  EXPECT_THAT(state.dump() + metrics + agent_.log(), Not(HasSubstr(agent_.secret.reveal())));
}

TEST_F(AgentTest, TakesItsRelayAlongWhenItIsKilled) {
  agent_.start();
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  const pid_t coturn = agent_.coturn_pid();
  agent_.process().signal(SIGKILL);
  EXPECT_TRUE(agent_.wait());
  EXPECT_TRUE(eventually([&] { return !alive(coturn); }));
}

TEST_F(AgentTest, AsTheFirstProcessOfAContainerItReapsOrphansAndPassesOnItsExitCode) {
  agent_.start({.before = {"unshare", "--pid", "--fork", "--kill-child", "--mount-proc"}});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  // nsenter's shell leaves an orphan behind in the agent's pid namespace.
  const std::string namespace_path = "/proc/" + std::to_string(agent_.process().pid()) + "/ns/pid_for_children";
  const auto in_container = [&](const std::string& script) {
    return run_command({"nsenter", "--pid=" + namespace_path, "sh", "-c", script}, Deadline::after(real_clock(), 20s));
  };
  ASSERT_TRUE(in_container("(sleep 1000 >/dev/null 2>&1 &)"));
  // Its pid as it is seen from here, while the agent has not reaped it.
  const auto orphan = [&] {
    const auto list = run_command({"sh", "-c",
                                   "ps -o pid= -o comm= --ppid $(pgrep -P " + std::to_string(agent_.process().pid()) +
                                       ") | sed -n 's/ sleep.*//p'"},
                                  Deadline::after(real_clock(), 20s));
    return list && !list->text.empty() ? std::stoi(list->text) : 0;
  };
  ASSERT_TRUE(eventually([&] { return orphan() != 0; }));
  ASSERT_EQ(kill(orphan(), SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return orphan() == 0; })) << "a zombie is left";
  // unshare does not pass SIGTERM on, so it is sent to PID 1 itself, as a container runtime does.
  ASSERT_TRUE(in_container("kill -TERM 1"));
  EXPECT_EQ(agent_.wait(), 0) << agent_.log();
}

TEST_F(AgentTest, RunsInALockedDownContainerWithUpstreamsFileCapabilities) {
  // As docker.io/coturn/coturn ships it: executing it fails where the capability cannot be had.
  const std::string turnserver = agent_.directory() + "/turnserver";
  std::filesystem::copy_file("/usr/bin/turnserver", turnserver);
  const auto set = run_command({"setcap", "cap_net_bind_service=+ep", turnserver}, Deadline::after(real_clock(), 20s));
  ASSERT_TRUE(set && set->status == 0) << (set ? set->text : set.error().text());
  agent_.start({.turnserver = turnserver,
                .before = {"setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", "--bounding-set=-all",
                           "--inh-caps=-all", "--no-new-privs"}});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  EXPECT_EQ(try_allocation(RunningAgent::relay, agent_.secret), "");
  EXPECT_EQ(agent_.metric("turnkeeper_relay_starts_total"), 1);
  EXPECT_TRUE(agent_.metric("turnkeeper_relay_sessions"));
  agent_.process().signal(SIGTERM);
  EXPECT_EQ(agent_.wait(), 0) << agent_.log();
}

TEST_F(AgentTest, InstallsItselfAsAProgramThatRuns) {
  const std::string path = agent_.directory() + "/turnkeeper-agent";
  const auto output =
      run_command({TURNKEEPER_BINARY_DIR "/bin/turnkeeper-agent", "install", path}, Deadline::after(real_clock(), 20s));
  ASSERT_TRUE(output);
  ASSERT_EQ(output->status, 0) << output->text;
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0755U);
  agent_.start({.agent = path});
  EXPECT_TRUE(agent_.wait_until_ready()) << agent_.log();
}

#ifdef TURNKEEPER_STATIC_AGENT  // builds with sanitizers are linked dynamically
// The relay's container has nothing but what the image brought: no shell, and maybe another C library.
TEST_F(AgentTest, NeedsNothingFromTheImage) {
  const std::string image = agent_.directory() + "/image";
  std::filesystem::create_directory(image);
  std::filesystem::copy_file(TURNKEEPER_BINARY_DIR "/bin/turnkeeper-agent", image + "/turnkeeper-agent");
  const auto output = run_command({"chroot", image, "/turnkeeper-agent", "run", "--address=10.77.0.1"},
                                  Deadline::after(real_clock(), 20s));
  ASSERT_TRUE(output);
  EXPECT_EQ(output->status, 1);
  EXPECT_THAT(output->text, HasSubstr("cannot read /etc/turnkeeper/relay/relay.json"));
}
#endif

TEST_F(AgentTest, SaysWhichPortIsTaken) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(3478);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  agent_.start();
  EXPECT_EQ(agent_.wait(), 1);
  EXPECT_THAT(agent_.log(), HasSubstr("turnkeeper-agent: port 3478 is taken by another process"));
  close(fd);
}

TEST_F(AgentTest, ExplainsWhyItCannotStart) {
  struct Case {
    RunningAgent::Options options;
    const char* expected;
  };
  for (const Case& wrong : {
           Case{{.relay_json = "{"}, "relay.json: not JSON"},
           Case{{.relay_json = R"({"realm": "x", "prots": {}})"}, "prots is not a known field"},
           Case{{.relay_json = R"({"realm": "x", "peers": {"deny": ["lan"]}})"}, "lan"},
           Case{{.keys_json = "[]"}, "0 keys are Issuing"},
           Case{{.arguments = {"--keys=/nonexistent/keys.json"}}, "cannot read /nonexistent/keys.json"},
           Case{{.turnserver = "no-such-turnserver"}, "no no-such-turnserver in this image"},
           Case{{.turnserver = "/bin/echo"}, "no coturn version"},
           Case{{.arguments = {"--state=/nonexistent"}}, "/nonexistent"},
           Case{{.arguments = {"--address=relay.example.org"}}, "relay.example.org"},
           Case{{.arguments = {"--listen=127.0.0.1:99999"}}, "--listen"},
           Case{{.relay_json = R"({"realm": "x", "ipFamilies": ["IPv6"]})"}, "the relay has no IPv6 address"},
       }) {
    agent_.start(wrong.options);
    EXPECT_EQ(agent_.wait(), 1) << wrong.expected;
    EXPECT_THAT(agent_.log(), HasSubstr(wrong.expected));
    EXPECT_THAT(agent_.log(), HasSubstr("; ")) << "no advice: " << agent_.log();
    EXPECT_THAT(agent_.termination_message(), HasSubstr(wrong.expected));
  }
}

}  // namespace
}  // namespace turnkeeper::agent
