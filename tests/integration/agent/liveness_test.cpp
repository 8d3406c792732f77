// A relay that only looks alive has its container started again, and no other relay has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "blocking_client.hpp"
#include "running_agent.hpp"

namespace turnkeeper::agent {
namespace {

using namespace std::chrono_literals;
using test::BlockingClient;
using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

class LivenessTest : public testing::Test {
 protected:
  RunningAgent agent_;
};

// What coturn 4.6.1 does when it has deadlocked over its list of alternate servers.
constexpr const char* wedged = R"(#!/usr/bin/env python3
import socket, sys
if "--version" in sys.argv:
    print("4.6.1")
    sys.exit()
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("10.77.0.1", 3478))
while True:
    request, sender = server.recvfrom(2000)
    if request[:2] == b"\0\1":
        port, address = sender[1] ^ 0x2112, bytes(a ^ b for a, b in zip(socket.inet_aton(sender[0]), request[4:8]))
        mapped = b"\0\x20\0\x08\0\1" + port.to_bytes(2, "big") + address
        server.sendto(b"\1\1\0\x0c" + request[4:20] + mapped, sender)
)";

TEST_F(LivenessTest, EndsARelayThatAnswersBindingButNoAllocate) {
  agent_.start({.turnserver = agent_.script(wedged), .arguments = {"--liveness-timeout=2s"}});
  ASSERT_TRUE(test::wait_until_listening(RunningAgent::relay)) << agent_.log();
  EXPECT_EQ(agent_.get("/healthz"), 200) << "a relay that starts has time";
  std::string body;
  EXPECT_TRUE(eventually([&] { return agent_.get("/healthz", &body) == 503; })) << agent_.log();
  EXPECT_THAT(body, HasSubstr("coturn runs but has answered no Allocate for"));
  EXPECT_THAT(agent_.state().value("problem", ""), HasSubstr("has answered no Allocate"));
  EXPECT_EQ(BlockingClient(RunningAgent::relay, {}).binding(), "");
  EXPECT_EQ(agent_.get("/readyz"), 503);
}

// The real thing: 4.6.1 leaves a mutex locked when one of several alternate servers is taken out by its telnet console,
// and each relay thread stops at the next Allocate.
TEST_F(LivenessTest, EndsACoturnThatHasDeadlocked) {
  agent_.start({.turnserver = agent_.script(R"(#!/bin/sh
[ "$1" = --version ] && exec turnserver --version
sed /no-cli/d "$2" > "$2.console"
printf 'cli-password=x\nalternate-server=10.77.0.2:3478\nalternate-server=10.77.0.3:3478\n' >> "$2.console"
exec turnserver -c "$2.console"
)"),
                .arguments = {"--liveness-timeout=2s"}});
  ASSERT_TRUE(test::wait_until_listening(RunningAgent::relay)) << agent_.log();
  // It redirects every Allocate until then, which is an answer.
  EXPECT_FALSE(eventually([&] { return agent_.get("/healthz") != 200; }, 3s)) << agent_.log();
  const auto console = run_command({"python3", "-c", R"(
import socket
console = socket.create_connection(("127.0.0.1", 5766))
console.recv(1000)
console.sendall(b"x\r\n")
console.recv(1000)
console.sendall(b"das 10.77.0.2:3478\r\n")
console.settimeout(0.5)
try:
    while console.recv(1000): pass
except TimeoutError:
    pass
)"},
                                   Deadline::after(real_clock(), 20s));
  ASSERT_TRUE(console && console->status == 0) << (console ? console->text : console.error().text());
  EXPECT_TRUE(eventually([&] { return agent_.get("/healthz") == 503; })) << agent_.log();
}

TEST_F(LivenessTest, EndsACoturnThatHangsAndForgivesOneThatComesBack) {
  agent_.start({.arguments = {"--liveness-timeout=2s"}});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  const pid_t coturn = agent_.coturn_pid();
  ASSERT_EQ(kill(coturn, SIGSTOP), 0);
  EXPECT_TRUE(eventually([&] { return agent_.get("/healthz") == 503; })) << agent_.log();
  ASSERT_EQ(kill(coturn, SIGCONT), 0);
  EXPECT_TRUE(eventually([&] { return agent_.get("/healthz") == 200; })) << agent_.log();
}

TEST_F(LivenessTest, DoesNotWaitForTheCallsOfACoturnThatHangs) {
  agent_.start({.arguments = {"--liveness-timeout=1s"}});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  BlockingClient call(RunningAgent::relay, credential(agent_.secret));
  ASSERT_EQ(call.allocate(), "");
  ASSERT_TRUE(eventually([&] { return agent_.state().at("sessions") == 1; })) << "the agent's own is still there";
  ASSERT_EQ(kill(agent_.coturn_pid(), SIGSTOP), 0);
  ASSERT_TRUE(eventually([&] { return agent_.get("/healthz") == 503; })) << agent_.log();
  agent_.process().signal(SIGTERM);
  EXPECT_EQ(agent_.wait(), 0) << agent_.log();
  // The second is the agent's own, when coturn was stopped during its try.
  EXPECT_THAT(agent_.termination_message(),
              AnyOf(StartsWith("1 session cut without a drain, because coturn runs but has"),
                    StartsWith("2 sessions cut without a drain, because coturn runs but has")));
}

TEST_F(LivenessTest, LeavesAloneWhatIsFullOrDrains) {
  agent_.start({.relay_json = R"({"realm": "x.example.org", "limits": {"sessions": 1, "sessionsPerUser": 0}})",
                .arguments = {"--liveness-timeout=2s"}});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  std::optional<BlockingClient> call;
  ASSERT_TRUE(
      eventually([&] { return call.emplace(RunningAgent::relay, credential(agent_.secret)).allocate().empty(); }));
  EXPECT_FALSE(eventually([&] { return agent_.get("/healthz") != 200; }, 2500ms));
  agent_.process().signal(SIGTERM);
  EXPECT_FALSE(eventually([&] { return agent_.get("/healthz") != 200; }, 2500ms));
}

}  // namespace
}  // namespace turnkeeper::agent
