#include "turnkeeper/base/child_process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace turnkeeper {
namespace {

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

int poll_timeout(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining(real_clock()));
  return static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000'000));
}

bool readable(int fd, Deadline deadline) {
  while (true) {
    pollfd waiting{fd, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, poll_timeout(deadline));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

struct Pipe {
  int read = -1;
  int write = -1;
  ~Pipe() {
    close_fd(read);
    close_fd(write);
  }
  bool open() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read = ends[0];
    write = ends[1];
    return true;
  }
};

// Everything the child does between fork and exec: async-signal-safe calls only, on memory prepared by the parent.
struct ChildSetup {
  const char* program;
  char* const* argv;
  char* const* environment;
  const char* working_directory;
  int stdin_fd;
  int stdout_fd;
  int stderr_fd;
  bool dies_with_parent;
  pid_t parent;

  [[noreturn]] void run(int error_fd) const {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    bool ok = true;
    if (dies_with_parent) {
      ok = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
      if (getppid() != parent) _exit(127);  // the parent died before the request took effect
    }
    if (ok && *working_directory != '\0') ok = chdir(working_directory) == 0;
    if (ok && stdin_fd >= 0) ok = dup2(stdin_fd, STDIN_FILENO) >= 0;
    if (ok && stdout_fd >= 0) ok = dup2(stdout_fd, STDOUT_FILENO) >= 0;
    if (ok && stderr_fd >= 0) ok = dup2(stderr_fd, STDERR_FILENO) >= 0;
    // Libraries open sockets that they let children have: a port would stay taken for as long as the child lives.
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    if (ok) execvpe(program, argv, environment);
    const int reason = errno;
    if (write(error_fd, &reason, sizeof reason) < 0) _exit(126);
    _exit(127);
  }
};

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) merged.push_back(text);
  }
  for (const auto& [name, value] : added) merged.push_back(name + "=" + value);
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (auto& text : strings) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const Options& options) {
  if (options.argv.empty()) return fail("no program to start");
  const std::string& program = options.argv.front();
  const auto failed = [&](int reason) {
    return fail("cannot start " + program + ": " + std::strerror(reason),
                reason == ENOENT ? "install it, or name its path" : "");
  };

  std::vector<std::string> argv = options.argv;
  std::vector<std::string> environment = merged_environment(options.environment);
  const std::vector<char*> argv_pointers = pointers(argv);
  const std::vector<char*> environment_pointers = pointers(environment);

  Pipe exec_error;
  Pipe input;
  Pipe output;
  if (!exec_error.open() || (options.pipe_stdin && !input.open()) || (options.pipe_stdout && !output.open())) {
    return failed(errno);
  }
  int log_fd = -1;
  if (!options.log_path.empty()) {
    log_fd = open(options.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) return fail("cannot open the log file " + options.log_path + ": " + std::strerror(errno));
  }

  const ChildSetup setup{.program = program.c_str(),
                         .argv = argv_pointers.data(),
                         .environment = environment_pointers.data(),
                         .working_directory = options.working_directory.c_str(),
                         .stdin_fd = input.read,
                         .stdout_fd = options.pipe_stdout ? output.write : log_fd,
                         .stderr_fd = log_fd,
                         .dies_with_parent = options.dies_with_parent,
                         .parent = getpid()};
  const pid_t pid = fork();
  if (pid == 0) setup.run(exec_error.write);
  const int fork_error = errno;
  close_fd(log_fd);
  if (pid < 0) return failed(fork_error);

  ChildProcess child;
  child.pid_ = pid;
  child.pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  close_fd(exec_error.write);
  int reason = 0;
  ssize_t got = 0;
  do {
    got = read(exec_error.read, &reason, sizeof reason);
  } while (got < 0 && errno == EINTR);
  if (got == sizeof reason) return failed(reason);

  child.stdin_fd_ = std::exchange(input.write, -1);
  child.stdout_fd_ = std::exchange(output.read, -1);
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept {
  *this = std::move(other);
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    release();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::exchange(other.pidfd_, -1);
    stdin_fd_ = std::exchange(other.stdin_fd_, -1);
    stdout_fd_ = std::exchange(other.stdout_fd_, -1);
    stdout_buffer_ = std::move(other.stdout_buffer_);
    status_ = other.status_;
  }
  return *this;
}

ChildProcess::~ChildProcess() {
  release();
}

void ChildProcess::release() {
  if (pid_ > 0 && !poll()) {
    ::kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  pid_ = -1;
  close_fd(pidfd_);
  close_fd(stdin_fd_);
  close_fd(stdout_fd_);
}

std::optional<int> ChildProcess::poll() {
  if (status_ || pid_ <= 0) return status_;
  int raw = 0;
  const pid_t got = waitpid(pid_, &raw, WNOHANG);
  if (got == pid_) status_ = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
  return status_;
}

std::optional<int> ChildProcess::wait(Deadline deadline) {
  while (!poll()) {
    if (!readable(pidfd_, deadline)) return poll();
  }
  return status_;
}

bool ChildProcess::signal(int number) {
  return !poll() && ::kill(pid_, number) == 0;
}

int ChildProcess::stop(std::chrono::milliseconds grace) {
  signal(SIGTERM);
  if (!wait(Deadline::after(real_clock(), grace))) {
    signal(SIGKILL);
    while (!wait(Deadline::after(real_clock(), std::chrono::seconds(60)))) {
    }
  }
  return *status_;
}

std::optional<std::string> ChildProcess::read_line(Deadline deadline) {
  while (true) {
    if (const auto end = stdout_buffer_.find('\n'); end != std::string::npos) {
      std::string line = stdout_buffer_.substr(0, end);
      stdout_buffer_.erase(0, end + 1);
      return line;
    }
    if (!readable(stdout_fd_, deadline)) return std::nullopt;
    std::array<char, 4096> chunk{};
    const ssize_t got = read(stdout_fd_, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      if (stdout_buffer_.empty()) return std::nullopt;
      return std::exchange(stdout_buffer_, {});  // a last line that lacks its newline
    }
    stdout_buffer_.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

bool ChildProcess::write_stdin(const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = write(stdin_fd_, text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    done += static_cast<std::size_t>(wrote);
  }
  return true;
}

void ChildProcess::close_stdin() {
  close_fd(stdin_fd_);
}

Result<CommandOutput> run_command(const std::vector<std::string>& argv, Deadline deadline) {
  // A shell joins stderr to stdout; the command stays an argument vector, so nothing in it is interpreted.
  std::vector<std::string> joined{"/bin/sh", "-c", "exec \"$@\" 2>&1", "sh"};
  joined.insert(joined.end(), argv.begin(), argv.end());
  auto child = ChildProcess::start({.argv = joined, .pipe_stdout = true});
  if (!child) return fail(child.error());
  CommandOutput output;
  while (auto line = child->read_line(deadline)) output.text += *line + '\n';
  const auto status = child->wait(deadline);
  if (!status) return fail(argv.front() + " did not end in time");
  if (*status == 127) return fail("cannot run " + argv.front() + ": not found", "install it, or name its path");
  output.status = *status;
  return output;
}

}  // namespace turnkeeper
