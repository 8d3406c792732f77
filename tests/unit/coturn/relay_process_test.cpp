#include "turnkeeper/coturn/relay_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace turnkeeper::coturn {
namespace {

using namespace std::chrono_literals;
using testing::Contains;

// A shell script in the place of turnserver.
class RelayProcessTest : public testing::Test {
 protected:
  RelayProcessTest() {
    std::string name = testing::TempDir() + "relay.XXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~RelayProcessTest() override { std::filesystem::remove_all(directory_); }

  RelayProcess::Options options(const std::string& script) {
    const std::string path = directory_ + "/turnserver";
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    chmod(path.c_str(), 0755);
    return {.turnserver = path,
            .config_path = directory_ + "/turnserver.conf",
            .on_log =
                [this](const std::string& line) {
                  const std::lock_guard lock(mutex_);
                  lines_.push_back(line);
                  changed_.notify_all();
                },
            .on_crash =
                [this](const Crash& crash) {
                  const std::lock_guard lock(mutex_);
                  crashes_.push_back(crash);
                  changed_.notify_all();
                }};
  }
  bool wait_for(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, condition);
  }

  std::string directory_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  std::vector<Crash> crashes_;
};

TEST_F(RelayProcessTest, GivesItsConfigurationAndPassesOnItsLog) {
  auto relay = RelayProcess::start(options("echo \"$@\"; exec sleep 1000"));
  ASSERT_TRUE(relay) << relay.error().text();
  EXPECT_TRUE(wait_for([&] { return !lines_.empty(); }));
  EXPECT_EQ((*relay)->stop(10s), 128 + SIGTERM);
  EXPECT_THAT(lines_, Contains("-c " + directory_ + "/turnserver.conf"));
}

TEST_F(RelayProcessTest, StartsItAgainWhenItDies) {
  auto relay = RelayProcess::start(options("echo up; exec sleep 1000"));
  ASSERT_TRUE(relay) << relay.error().text();
  ASSERT_TRUE(wait_for([&] { return lines_.size() == 1; }));
  const auto first = (*relay)->pid();
  ASSERT_TRUE(first);
  ASSERT_EQ(kill(*first, SIGKILL), 0);
  ASSERT_TRUE(wait_for([&] { return !crashes_.empty(); }));
  EXPECT_EQ(crashes_.front().status, 128 + SIGKILL);
  EXPECT_EQ(crashes_.front().restart_in, restart_delay(1));
  ASSERT_TRUE(wait_for([&] { return lines_.size() == 2; }));
  EXPECT_EQ((*relay)->starts(), 2);
  EXPECT_NE((*relay)->pid(), first);
}

TEST_F(RelayProcessTest, PassesOnTheLastWordsOfOneThatDies) {
  auto relay = RelayProcess::start(options("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; exit 1"));
  ASSERT_TRUE(relay) << relay.error().text();
  ASSERT_TRUE(wait_for([&] { return !crashes_.empty(); }));
  EXPECT_THAT(lines_, Contains("line 1999"));
  (*relay)->stop(10s);
}

TEST_F(RelayProcessTest, KillsOneThatDoesNotEnd) {
  auto relay = RelayProcess::start(options("trap '' TERM; echo up; while :; do sleep 0.1; done"));
  ASSERT_TRUE(relay) << relay.error().text();
  ASSERT_TRUE(wait_for([&] { return !lines_.empty(); }));
  EXPECT_EQ((*relay)->stop(200ms), 128 + SIGKILL);
  EXPECT_EQ((*relay)->stop(200ms), 128 + SIGKILL);
  EXPECT_FALSE((*relay)->pid());
}

TEST_F(RelayProcessTest, StopsOneThatWaitsForItsRestart) {
  auto relay = RelayProcess::start(options("exit 3"));
  ASSERT_TRUE(relay) << relay.error().text();
  ASSERT_TRUE(wait_for([&] { return crashes_.size() >= 2; }));
  EXPECT_EQ((*relay)->stop(10s), 3);
  EXPECT_GT(crashes_[1].restart_in, crashes_[0].restart_in);
}

TEST_F(RelayProcessTest, LeavesNothingRunningWhenItGoesOutOfScope) {
  pid_t pid = 0;
  {
    auto relay = RelayProcess::start(options("exec sleep 1000"));
    ASSERT_TRUE(relay) << relay.error().text();
    pid = (*relay)->pid().value_or(0);
    ASSERT_GT(pid, 0);
  }
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST_F(RelayProcessTest, SaysWhichProgramItCannotStart) {
  const auto relay = RelayProcess::start({.turnserver = "/nonexistent/turnserver", .config_path = "/x"});
  ASSERT_FALSE(relay);
  EXPECT_THAT(relay.error().text(), testing::HasSubstr("/nonexistent/turnserver"));
}

TEST_F(RelayProcessTest, DrainedAtOnceWithoutAllocationsAndStaysDown) {
  auto relay = RelayProcess::start(options("trap 'exit 0' USR1; echo up; while :; do sleep 0.1; done"));
  ASSERT_TRUE(relay) << relay.error().text();
  ASSERT_TRUE(wait_for([&] { return !lines_.empty(); }));
  EXPECT_TRUE((*relay)->drain({4, 18, 0}, {}, Deadline::after(real_clock(), 20s)));
  (*relay)->stop(10s);
  EXPECT_EQ((*relay)->starts(), 1);
}

TEST(RestartDelayTest, GrowsToTenSeconds) {
  EXPECT_EQ(restart_delay(1), 250ms);
  EXPECT_EQ(restart_delay(2), 500ms);
  EXPECT_EQ(restart_delay(6), 8s);
  EXPECT_EQ(restart_delay(7), 10s);
  EXPECT_EQ(restart_delay(1000000), 10s);
}

}  // namespace
}  // namespace turnkeeper::coturn
