#include "turnkeeper/base/stop_signal.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <mutex>

namespace turnkeeper {

StopSignal::StopSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal_fd_ = signalfd(-1, &signals, SFD_CLOEXEC);
  cancel_fd_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] {
    std::array<pollfd, 2> waiting{pollfd{signal_fd_, POLLIN, 0}, pollfd{cancel_fd_, POLLIN, 0}};
    while (true) {
      if (poll(waiting.data(), waiting.size(), -1) < 0) continue;
      if (waiting[1].revents != 0) return;
      signalfd_siginfo info{};
      if (read(signal_fd_, &info, sizeof info) != sizeof info) continue;
      if (!source_.request_stop()) _exit(128 + static_cast<int>(info.ssi_signo));
    }
  });
}

StopSignal::~StopSignal() {
  const std::uint64_t one = 1;
  if (write(cancel_fd_, &one, sizeof one) == sizeof one) thread_.join();
  close(cancel_fd_);
  close(signal_fd_);
}

void StopSignal::wait() const {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, token(), [] { return false; });
}

}  // namespace turnkeeper
