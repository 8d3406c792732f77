#include "turnkeeper/base/child_process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace turnkeeper {
namespace {

using namespace std::chrono_literals;

Deadline soon() {
  return Deadline::after(real_clock(), 10s);
}

TEST(ChildProcess, ReportsAMissingProgramWithAdvice) {
  const auto child = ChildProcess::start({.argv = {"/nonexistent/turnserver"}});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().message, "cannot start /nonexistent/turnserver: No such file or directory");
  EXPECT_EQ(child.error().advice, "install it, or name its path");
}

TEST(ChildProcess, GivesTheExitCodeAndTheSignal) {
  auto exits = ChildProcess::start({.argv = {"sh", "-c", "exit 7"}});
  ASSERT_TRUE(exits);
  EXPECT_EQ(exits->wait(soon()), 7);
  auto killed = ChildProcess::start({.argv = {"sleep", "1000"}});
  ASSERT_TRUE(killed);
  EXPECT_TRUE(killed->signal(SIGKILL));
  EXPECT_EQ(killed->wait(soon()), 128 + SIGKILL);
  EXPECT_FALSE(killed->signal(SIGTERM));
}

TEST(ChildProcess, TalksOverItsPipes) {
  auto echo = ChildProcess::start({.argv = {"cat"}, .pipe_stdin = true, .pipe_stdout = true});
  ASSERT_TRUE(echo);
  ASSERT_TRUE(echo->write_stdin("one\ntwo\n"));
  EXPECT_EQ(echo->read_line(soon()), "one");
  EXPECT_EQ(echo->read_line(soon()), "two");
  echo->close_stdin();
  EXPECT_EQ(echo->wait(soon()), 0);
}

TEST(ChildProcess, InheritsNoFileThatItWasNotGiven) {
  // As Boost.Asio opens sockets: without close-on-exec. A port would stay taken for as long as the child lives.
  const int ours = ::open("/dev/null", O_RDONLY);
  ASSERT_GE(ours, 3);
  auto child = ChildProcess::start(
      {.argv = {"sh", "-c", "test -e /proc/self/fd/" + std::to_string(ours) + " && echo inherited || echo none"},
       .pipe_stdout = true});
  ASSERT_TRUE(child);
  EXPECT_EQ(child->read_line(soon()).value_or(""), "none");
  ::close(ours);
}

TEST(ChildProcess, KeepsALastLineThatLacksItsNewline) {
  auto child = ChildProcess::start({.argv = {"printf", "one\\ntwo"}, .pipe_stdout = true});
  ASSERT_TRUE(child);
  EXPECT_EQ(child->read_line(soon()), "one");
  EXPECT_EQ(child->read_line(soon()), "two");
  EXPECT_EQ(child->read_line(soon()), std::nullopt);
}

TEST(ChildProcess, StopKillsWhatIgnoresTheRequest) {
  auto stubborn = ChildProcess::start(
      {.argv = {"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"}, .pipe_stdout = true});
  ASSERT_TRUE(stubborn);
  ASSERT_EQ(stubborn->read_line(soon()), "ready");
  EXPECT_EQ(stubborn->stop(50ms), 128 + SIGKILL);
}

TEST(ChildProcess, LeavesNothingRunningWhenDestroyed) {
  pid_t pid = 0;
  {
    auto child = ChildProcess::start({.argv = {"sleep", "1000"}});
    ASSERT_TRUE(child);
    pid = child->pid();
  }
  EXPECT_NE(kill(pid, 0), 0);
}

TEST(ChildProcess, AppendsOutputToTheLogFile) {
  const auto path = std::filesystem::temp_directory_path() / ("child_process_test." + std::to_string(getpid()));
  auto child = ChildProcess::start(
      {.argv = {"sh", "-c", "echo out; echo $WORD >&2"}, .environment = {{"WORD", "err"}}, .log_path = path});
  ASSERT_TRUE(child);
  EXPECT_EQ(child->wait(soon()), 0);
  std::ifstream log(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(log), {}), "out\nerr\n");
  std::filesystem::remove(path);
}

TEST(RunCommand, JoinsBothStreamsAndGivesUpInTime) {
  const auto output = run_command({"sh", "-c", "echo a; echo b >&2; exit 3"}, soon());
  ASSERT_TRUE(output);
  EXPECT_EQ(output->status, 3);
  EXPECT_EQ(output->text, "a\nb\n");
  EXPECT_FALSE(run_command({"sleep", "1000"}, Deadline::after(real_clock(), 20ms)));
  EXPECT_FALSE(run_command({"/nonexistent"}, soon()));
}

}  // namespace
}  // namespace turnkeeper
