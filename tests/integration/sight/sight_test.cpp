// Sight against a real kernel: two network namespaces with a wire between them, one of them the gateway. Needs root.
#include "monitor/sight/sight.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

int run(const std::string& command) {
  return std::system(command.c_str());
}

// The gateway: a child process in a namespace of its own that carries out shell commands. This process moves to a new
// namespace too; both namespaces and the wire end with the processes.
class SightTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "a network namespace needs root"; }

  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    child_ = ::fork();
    ASSERT_GE(child_, 0);
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(ends[0]);
      char status = ::unshare(CLONE_NEWNET) == 0 ? 0 : 1;
      (void)!::write(ends[1], &status, 1);
      char command[512];
      for (ssize_t size; (size = ::read(ends[1], command, sizeof command - 1)) > 0;) {
        command[size] = 0;
        status = run(command) == 0 ? 0 : 1;
        (void)!::write(ends[1], &status, 1);
      }
      ::_exit(0);
    }
    ::close(ends[1]);
    control_ = ends[0];
    ASSERT_TRUE(done());
    ASSERT_EQ(run("ip link set lo up; ip link add here type veth peer name there netns " + std::to_string(child_) +
                  " && ip addr add 10.99.0.2/24 dev here && ip link set here up"),
              0);
    ASSERT_TRUE(gateway("ip link set lo up && ip addr add 10.99.0.1/24 dev there && ip link set there up"));
    ASSERT_EQ(run("ip route add default via 10.99.0.1"), 0);
  }

  void TearDown() override {
    ::close(control_);
    ::waitpid(child_, nullptr, 0);
    (void)run("ip link del here 2>/dev/null");
  }

  bool gateway(const std::string& command) { return ::write(control_, command.data(), command.size()) > 0 && done(); }
  bool done() {
    char status = 1;
    return ::read(control_, &status, 1) == 1 && status == 0;
  }

  // Looks each 20 ms, as while in doubt, until it is so.
  bool becomes(Sight& sight, const std::function<bool(const Surroundings&)>& what, std::chrono::seconds limit = 10s) {
    const auto end = clock_.steady() + limit;
    while (clock_.steady() < end) {
      if (what(sight.look())) return true;
      std::this_thread::sleep_for(20ms);
    }
    return false;
  }

  const Clock& clock_ = real_clock();
  pid_t child_ = -1;
  int control_ = -1;
};

TEST_F(SightTest, AGatewayThatLivesSaysSoWithinAMoment) {
  Sight sight(clock_);
  const auto asked = clock_.steady();
  EXPECT_TRUE(becomes(
      sight, [&](const auto& seen) { return seen.gateway_answered && *seen.gateway_answered >= asked; }, 2s));
  EXPECT_FALSE(sight.look().cut_off);
}

TEST_F(SightTest, AGatewayThatAnswersNothingIsStillSeenOnTheLink) {
  ASSERT_TRUE(gateway("ip addr add 10.99.0.3/24 dev there"));
  ASSERT_TRUE(gateway("ip route add blackhole 10.99.0.2/32"));  // it resolves addresses, and says no more
  Sight sight(clock_);
  EXPECT_TRUE(becomes(sight, [](const auto& seen) { return seen.gateway_answered.has_value(); }));
  EXPECT_FALSE(sight.look().cut_off);
}

TEST_F(SightTest, AnInterfaceThatGoesAwayIsKnownAtOnceAndSoIsItsReturn) {
  Sight sight(clock_);
  EXPECT_FALSE(sight.look().cut_off);
  ASSERT_EQ(run("ip link set here down"), 0);
  EXPECT_TRUE(sight.look().cut_off);
  ASSERT_EQ(run("ip link set here up && ip route add default via 10.99.0.1"), 0);
  EXPECT_TRUE(becomes(sight, [](const auto& seen) { return !seen.cut_off; }));
  ASSERT_EQ(run("ip link del here"), 0);
  EXPECT_TRUE(sight.look().cut_off);
}

TEST_F(SightTest, AWireThatIsPulledAtTheOtherEndIsKnown) {
  Sight sight(clock_);
  ASSERT_TRUE(gateway("ip link set there down"));
  EXPECT_TRUE(becomes(sight, [](const auto& seen) { return seen.cut_off; }));
  ASSERT_TRUE(gateway("ip link set there up"));
  EXPECT_TRUE(becomes(sight, [](const auto& seen) { return !seen.cut_off; }));
}

TEST_F(SightTest, AGatewayThatIsGoneWhileTheWireIsWellIsFoundOut) {
  ASSERT_TRUE(gateway("ip addr del 10.99.0.1/24 dev there"));
  Sight sight(clock_);
  EXPECT_TRUE(becomes(sight, [](const auto& seen) { return seen.cut_off; }));
  EXPECT_FALSE(sight.look().gateway_answered);
}

TEST_F(SightTest, AMachineThatNeverHadADefaultRouteIsNotCutOff) {
  ASSERT_EQ(run("ip route del default"), 0);
  Sight sight(clock_);
  const auto seen = sight.look();
  EXPECT_FALSE(seen.cut_off);
  EXPECT_FALSE(seen.gateway_answered);
}

}  // namespace
}  // namespace turnkeeper::monitor
