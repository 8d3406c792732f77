// A program run as a child: started, watched, signalled and waited for by its own pid, never by name.
//
//   auto child = ChildProcess::start({.argv = {"turnserver", "-c", path}});
//   if (!child) return fail(child.error());
//   child->signal(SIGTERM);
//   child->wait(Deadline::after(real_clock(), 5s));
//
// The child ends with this process (PR_SET_PDEATHSIG) unless told otherwise. Linux ties that to the *thread* that
// started it, so start children from a thread that lives as long as they should.
// Not thread-safe, but different objects may be used from different threads.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper {

class ChildProcess {
 public:
  struct Options {
    std::vector<std::string> argv;                   // argv[0] is looked up in PATH when it has no slash
    std::map<std::string, std::string> environment;  // added to this process's own
    std::string working_directory;                   // empty: this process's
    std::string log_path;                            // stdout and stderr are appended there; empty: inherited
    bool pipe_stdin = false;                         // write_stdin() and close_stdin() work
    bool pipe_stdout = false;                        // read_line() works; log_path then takes stderr only
    bool dies_with_parent = true;
  };

  // An error when the program cannot be executed, with errno's text; nothing is left running then.
  [[nodiscard]] static Result<ChildProcess> start(const Options& options);
  // Kills (SIGKILL) and reaps a child that still runs.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // A file descriptor that becomes readable when the child ends (pidfd_open(2)): for poll() and Asio.
  [[nodiscard]] int exit_fd() const { return pidfd_; }
  // The read end of pipe_stdout, for the same: when it is readable, read_line() has something. -1 without pipe_stdout.
  [[nodiscard]] int stdout_fd() const { return stdout_fd_; }
  // Reaps when ended. The status is the exit code, or 128 + signal as in a shell.
  [[nodiscard]] std::optional<int> poll();
  // Waits until it ended; nothing when the deadline came first.
  [[nodiscard]] std::optional<int> wait(Deadline deadline);
  // False when it has ended already.
  bool signal(int number);
  // SIGTERM, then SIGKILL when it outlives `grace`. Returns the status.
  int stop(std::chrono::milliseconds grace);

  // One line of stdout without its newline; nothing at end of file or when the deadline came first.
  [[nodiscard]] std::optional<std::string> read_line(Deadline deadline);
  bool write_stdin(const std::string& text);
  void close_stdin();

 private:
  ChildProcess() = default;
  void release();

  pid_t pid_ = -1;
  int pidfd_ = -1;
  int stdin_fd_ = -1;
  int stdout_fd_ = -1;
  std::string stdout_buffer_;
  std::optional<int> status_;
};

// What a command printed on stdout, and how it ended. For short-lived programs such as `turnserver --version`.
struct CommandOutput {
  int status = 0;
  std::string text;
};
// stderr is joined to the text. An error when it cannot be started or is not done by the deadline (it is killed then).
[[nodiscard]] Result<CommandOutput> run_command(const std::vector<std::string>& argv, Deadline deadline);

}  // namespace turnkeeper
