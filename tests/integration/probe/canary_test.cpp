// A canary on a real coturn that is killed, stopped and restarted under it.
#include "monitor/canary/canary.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <set>

#include "live_relay.hpp"
#include "udp_peer.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using api::Cause;

class CanaryTest : public ::testing::Test {
 protected:
  ~CanaryTest() override { EXPECT_TRUE(stopped || !canary) << "the test must stop its canary"; }

  void begin() {
    CanaryOptions options;
    options.vantage = "test";
    options.uri = *turn::Uri::parse("turn:" + relay.host() + ":" + std::to_string(path ? path->port() : relay.port()) +
                                    "?transport=udp");
    options.credential = [this]() -> Result<turn::Credential> {
      const auto credential = relay.credential(ttl);
      usernames.insert(credential.username);
      return credential;
    };
    options.on_observation = [this](const Observation& observation) {
      if (!last || last->usable != observation.usable) changed_at = observation.at;
      last = observation;
      if (!observation.usable) last_unusable = observation;
    };
    options.on_echo = [this](std::chrono::nanoseconds) { ++echoes; };
    options.on_loss = [this] { ++losses; };
    canary.emplace(io.get_executor(), real_clock(), std::move(options));
    canary->start();
  }

  template <class Condition>
  bool run_until(Condition condition, std::chrono::milliseconds patience = 10s) {
    const Deadline deadline = Deadline::after(real_clock(), patience);
    while (!condition() && !deadline.expired(real_clock())) io.run_one_for(10ms);
    return condition();
  }

  bool usable() const { return last && last->usable; }
  bool unusable() const { return last && !last->usable; }

  void stop() {
    canary->stop([this] { stopped = true; });
    EXPECT_TRUE(run_until([this] { return stopped; }, 3s));
  }

  void report(const char* what, SteadyTime since) {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(changed_at - since).count();
    RecordProperty(what, static_cast<int>(took));
    std::printf("%s: %lld ms\n", what, static_cast<long long>(took));
    EXPECT_LT(took, 2000);
  }

  LiveRelay relay;
  boost::asio::io_context io;
  std::chrono::seconds ttl{3600};
  std::optional<UdpPath> path;  // between canary and relay, where a test has one
  std::optional<Canary> canary;
  std::set<std::string> usernames;
  std::optional<Observation> last;
  SteadyTime changed_at;
  std::optional<Observation> last_unusable;
  bool stopped = false;
  int echoes = 0;
  int losses = 0;
};

TEST_F(CanaryTest, AKilledRelayIsReportedAndItsRestartToo) {
  begin();
  ASSERT_TRUE(run_until([this] { return usable() && echoes >= 5; }));
  EXPECT_EQ(relay.wait_for_allocations(1), 1);

  const auto killed = real_clock().steady();
  relay.kill();
  ASSERT_TRUE(run_until([this] { return unusable(); }));
  EXPECT_EQ(api::cause_name(last->cause), "connect-refused") << last->detail;
  report("kill_to_unusable_ms", killed);

  relay.start();
  ASSERT_TRUE(run_until([this] { return usable(); }));
  EXPECT_EQ(relay.wait_for_allocations(1), 1);
  stop();
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(CanaryTest, ARelayThatHangsIsReportedAndItsReturnToo) {
  begin();
  ASSERT_TRUE(run_until([this] { return usable() && echoes >= 5; }));
  const auto hung = real_clock().steady();
  relay.signal(SIGSTOP);
  ASSERT_TRUE(run_until([this] { return unusable(); }));
  EXPECT_EQ(api::cause_name(last->cause), "connect-timeout") << last->detail;
  EXPECT_GE(losses, 3);
  report("hang_to_unusable_ms", hung);

  relay.signal(SIGCONT);
  ASSERT_TRUE(run_until([this] { return usable(); }));
  stop();
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

// Behind a path that hides "connection refused", as many firewalls do.
TEST_F(CanaryTest, ARelayRestartedWithinAMomentIsReportedThoughItAnswers) {
  const auto everything = [](turn::Bytes) { return true; };
  path.emplace(io, relay.port(), everything, everything);
  begin();
  ASSERT_TRUE(run_until([this] { return usable() && echoes >= 5; }));
  relay.kill();
  relay.start();
  ASSERT_TRUE(run_until([this] { return last_unusable.has_value(); }));
  EXPECT_EQ(api::cause_name(last_unusable->cause), "restarted") << last_unusable->detail;
  ASSERT_TRUE(run_until([this] { return usable(); }));
  stop();
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(CanaryTest, ARelayThatIsDownFromTheStartIsReported) {
  relay.kill();
  begin();
  ASSERT_TRUE(run_until([this] { return unusable(); }));
  EXPECT_EQ(api::cause_name(last->cause), "connect-refused") << last->detail;
  stop();
}

TEST_F(CanaryTest, TheCredentialIsRenewedWithoutAGap) {
  ttl = 3s;  // renewed after at most 2.25 s
  begin();
  ASSERT_TRUE(run_until([this] { return usernames.size() >= 3; }));
  const auto enough = echoes + 5;
  ASSERT_TRUE(run_until([&] { return echoes >= enough; }));
  EXPECT_FALSE(last_unusable);
  EXPECT_EQ(losses, 0);
  EXPECT_EQ(relay.wait_for_allocations(1), 1) << "a replaced allocation must not stay behind";
  stop();
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(CanaryTest, DestructionWithoutStopLeavesNothingBehindEither) {
  begin();
  ASSERT_TRUE(run_until([this] { return usable(); }));
  canary.reset();
  stopped = true;
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

}  // namespace
}  // namespace turnkeeper::monitor
