// Readiness by itself against a real relay, with a clock that the test owns.
#include "agent/readiness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "blocking_client.hpp"
#include "running_agent.hpp"

namespace turnkeeper::agent {
namespace {

using namespace std::chrono_literals;
using test::BlockingClient;
using testing::HasSubstr;

class ReadinessTest : public testing::Test {
 protected:
  void start(const std::string& relay_json) {
    agent_.start({.relay_json = relay_json});
    ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
    readiness_.use(agent_.secret);
  }
  Readiness::Outcome check() {
    std::optional<Readiness::Outcome> outcome;
    readiness_.check([&](const Readiness::Outcome& told) { outcome = told; });
    while (!outcome) {
      io_.restart();
      io_.run_one();
    }
    return *outcome;
  }

  RunningAgent agent_;
  boost::asio::io_context io_;
  ManualClock clock_{real_clock().system()};
  Readiness readiness_{io_, clock_, {turn::Protocol::udp, *turn::SocketAddress::parse(RunningAgent::relay)}, 3s};
};

TEST_F(ReadinessTest, AsksAgainOnceAnAnswerIsASecondOld) {
  start(RunningAgent::Options().relay_json);
  ASSERT_TRUE(check().ready);
  const pid_t coturn = agent_.coturn_pid();
  ASSERT_EQ(kill(coturn, SIGSTOP), 0);
  EXPECT_TRUE(check().ready) << "probes that come close together would load the relay";
  clock_.advance(1s);
  const auto silent = check();
  EXPECT_FALSE(silent.ready);
  EXPECT_FALSE(silent.answered);
  ASSERT_EQ(kill(coturn, SIGCONT), 0);
  EXPECT_FALSE(check().ready);
  clock_.advance(200ms);
  EXPECT_TRUE(check().ready);
}

TEST_F(ReadinessTest, ARelayThatRefusesTheKeyIsNotReadyButAnswers) {
  start(RunningAgent::Options().relay_json);
  ASSERT_TRUE(check().ready);
  readiness_.use(Secret("another"));
  const auto refused = check();
  ASSERT_FALSE(refused.ready) << "what was known of the old key counts no more";
  EXPECT_THAT(refused.ready.error().message, HasSubstr("refuses the issuing key"));
  EXPECT_TRUE(refused.answered);
}

TEST_F(ReadinessTest, AFullRelayIsReady) {
  start(R"({"realm": "turn.example.org", "ports": {"turn": 3478, "relayMin": 50000, "relayMax": 59999},
            "limits": {"sessions": 1, "sessionsPerUser": 0}})");
  std::optional<BlockingClient> call;
  // coturn counts a released allocation for a second more.
  ASSERT_TRUE(
      eventually([&] { return call.emplace(RunningAgent::relay, credential(agent_.secret)).allocate().empty(); }));
  const auto full = check();
  EXPECT_TRUE(full.ready) << "failing it would only move the load";
  EXPECT_TRUE(full.answered);
}

TEST_F(ReadinessTest, SaysThatNothingListens) {
  readiness_.look_at({turn::Protocol::tcp, *turn::SocketAddress::parse("10.77.0.1:9")});
  const auto refused = check();
  ASSERT_FALSE(refused.ready);
  EXPECT_THAT(refused.ready.error().message, HasSubstr("refused"));
  EXPECT_FALSE(refused.answered);
}

}  // namespace
}  // namespace turnkeeper::agent
