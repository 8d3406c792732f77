#include "agent/init.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace turnkeeper::agent {
namespace {

// Reaps all that ended; ends with the child's status when it is among them.
void reap(pid_t child) {
  int status = 0;
  pid_t ended = 0;
  while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
    if (ended == child) _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  }
}

}  // namespace

void become_init_if_first() {
  if (getpid() != 1) return;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t child = fork();
  if (child < 0) {
    std::perror("cannot start the agent");
    std::exit(1);
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    return;
  }
  while (true) {
    siginfo_t info{};
    const int number = sigwaitinfo(&all, &info);
    if (number == SIGCHLD) {
      reap(child);
    } else if (number > 0) {
      kill(child, number);
    }
  }
}

}  // namespace turnkeeper::agent
