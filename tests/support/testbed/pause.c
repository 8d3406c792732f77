// PID 1 of a pod's sandbox and of a test node: holds the namespaces and reaps what is orphaned in them.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  sigset_t set;
  sigfillset(&set);
  sigprocmask(SIG_BLOCK, &set, 0);
  for (;;) {
    int number = 0;
    sigwait(&set, &number);
    if (number == SIGCHLD) {
      while (waitpid(-1, 0, WNOHANG) > 0) {
      }
    } else if (number == SIGTERM || number == SIGINT) {
      _exit(0);
    }
  }
}
