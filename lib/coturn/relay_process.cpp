#include "turnkeeper/coturn/relay_process.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <string>

#include "turnkeeper/coturn/allocations.hpp"

namespace turnkeeper::coturn {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds first_delay = 250ms;
constexpr milliseconds longest_delay = 10s;
// After so long a run a crash counts as the first again.
constexpr milliseconds settled = 60s;
constexpr milliseconds drain_poll = 500ms;

milliseconds since(SteadyTime start) {
  return std::chrono::duration_cast<milliseconds>(real_clock().steady() - start);
}

// A signal that a process does not catch yet would end it.
bool catches(pid_t pid, int number) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigCgt:")) return (std::stoull(line.substr(7), nullptr, 16) >> (number - 1) & 1) != 0;
  }
  return false;
}

}  // namespace

milliseconds restart_delay(int crashes) {
  const int doublings = std::clamp(crashes - 1, 0, 10);
  return std::min(longest_delay, first_delay * (1 << doublings));
}

Result<std::unique_ptr<RelayProcess>> RelayProcess::start(Options options) {
  std::unique_ptr<RelayProcess> relay(new RelayProcess(std::move(options)));
  std::promise<Result<>> started;
  auto outcome = started.get_future();
  relay->thread_ =
      std::thread([raw = relay.get(), promise = std::move(started)]() mutable { raw->supervise(std::move(promise)); });
  if (auto result = outcome.get(); !result) return fail(result.error());
  return relay;
}

RelayProcess::RelayProcess(Options options)
    : options_(std::move(options)), wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

RelayProcess::~RelayProcess() {
  stop(0ms);
  thread_.join();
  close(wake_fd_);
}

std::optional<pid_t> RelayProcess::pid() const {
  const std::lock_guard lock(mutex_);
  return pid_;
}

int RelayProcess::starts() const {
  const std::lock_guard lock(mutex_);
  return starts_;
}

void RelayProcess::wake() const {
  eventfd_write(wake_fd_, 1);
}

bool RelayProcess::signal(int number) {
  // Under the lock pid_ is a child that is not reaped yet, so the number cannot be another process's.
  const std::lock_guard lock(mutex_);
  return pid_ && ::kill(*pid_, number) == 0;
}

bool RelayProcess::drain(Version version, const api::Ports& ports, Deadline deadline, std::stop_token give_up) {
  {
    const std::lock_guard lock(mutex_);
    restarts_ = false;
  }
  if (can_drain(version)) signal(SIGUSR1);
  const std::stop_callback wake_up(give_up, [this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  while (true) {
    const auto running = pid();
    // When they cannot be counted, waiting on is the answer that cuts no call.
    if (!running || live_allocations(*running, ports).value_or(1) == 0) return true;
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline.within(real_clock(), drain_poll).at(),
                        [&] { return final_status_.has_value() || give_up.stop_requested(); });
    if (final_status_) return true;
    if (give_up.stop_requested() || deadline.expired(real_clock())) return false;
  }
}

bool RelayProcess::reload_certificate() {
  const auto running = pid();
  return running && catches(*running, SIGUSR2) && signal(SIGUSR2);
}

int RelayProcess::stop(milliseconds grace) {
  std::unique_lock lock(mutex_);
  restarts_ = false;
  stop_grace_ = grace;
  wake();
  changed_.wait(lock, [&] { return final_status_.has_value(); });
  return *final_status_;
}

void RelayProcess::supervise(std::promise<Result<>> started) {
  bool reported = false;
  int crashes = 0;
  int status = 0;
  while (true) {
    const SteadyTime start = real_clock().steady();
    auto child = ChildProcess::start({.argv = {options_.turnserver, "-c", options_.config_path},
                                      .log_path = options_.stderr_path,
                                      .pipe_stdout = true});
    if (child) {
      {
        const std::lock_guard lock(mutex_);
        pid_ = child->pid();
        ++starts_;
      }
      if (!std::exchange(reported, true)) started.set_value({});
      status = follow(*child);
    } else if (!reported) {
      {
        const std::lock_guard lock(mutex_);
        final_status_ = 127;  // before the caller learns of it: its destructor waits for this
      }
      started.set_value(fail(child.error()));
      return;
    } else {
      status = 127;  // as a shell says it
    }

    std::unique_lock lock(mutex_);
    if (!restarts_) {
      final_status_ = status;
      changed_.notify_all();
      return;
    }
    lock.unlock();
    const milliseconds ran = since(start);
    crashes = ran >= settled ? 1 : crashes + 1;
    const milliseconds delay = restart_delay(crashes);
    if (options_.on_crash) options_.on_crash({.status = status, .ran = ran, .restart_in = delay});
    pollfd woken{wake_fd_, POLLIN, 0};
    ::poll(&woken, 1, static_cast<int>(delay.count()));
    lock.lock();
    if (!restarts_) {
      final_status_ = status;
      changed_.notify_all();
      return;
    }
  }
}

int RelayProcess::follow(ChildProcess& child) {
  std::array<pollfd, 3> events{pollfd{wake_fd_, POLLIN, 0}, pollfd{child.exit_fd(), POLLIN, 0},
                               pollfd{child.stdout_fd(), POLLIN, 0}};
  std::optional<SteadyTime> kill_at;
  while (true) {
    int timeout = -1;
    if (kill_at) {
      const auto left = std::chrono::ceil<milliseconds>(*kill_at - real_clock().steady()).count();
      timeout = static_cast<int>(std::max<std::int64_t>(left, 0));
    }
    ::poll(events.data(), events.size(), timeout);
    if ((events[2].revents & POLLIN) != 0) {
      read_log(child);
    } else if (events[2].revents != 0) {
      events[2].fd = -1;  // it closed its end
    }
    std::optional<int> status;
    {
      const std::lock_guard lock(mutex_);
      status = child.poll();
      if (status) {
        pid_.reset();
      } else if (stop_grace_ && !kill_at) {
        child.signal(SIGTERM);
        kill_at = real_clock().steady() + *stop_grace_;
        events[0].fd = -1;
      }
    }
    if (status) {
      read_log(child);  // its last words
      return *status;
    }
    if (kill_at && real_clock().steady() >= *kill_at) child.signal(SIGKILL);
    if (events[0].fd >= 0 && (events[0].revents & POLLIN) != 0) {
      eventfd_t ignored = 0;
      eventfd_read(wake_fd_, &ignored);
    }
  }
}

void RelayProcess::read_log(ChildProcess& child) const {
  const Deadline now(real_clock().steady());
  while (auto line = child.read_line(now)) {
    if (options_.on_log) options_.on_log(*line);
  }
}

}  // namespace turnkeeper::coturn
