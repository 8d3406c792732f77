// One turnserver, kept running: started, restarted when it ends by itself, drained, stopped.
//
//   auto relay = RelayProcess::start({.turnserver = "turnserver", .config_path = "/run/eu-0/turnserver.conf",
//                                     .on_log = [](const std::string& line) { ... }});
//   if (!relay) return fail(relay.error());
//   ...
//   (*relay)->stop(10s);
//
// It reads no configuration and writes no database: config.hpp and turndb.hpp make them, before it starts. The process
// ends with this one, whatever happens to this one.
// Thread-safe, except that the destructor must be the last call. The callbacks run on the relay's own thread, one at a
// time, and must not call stop(), drain() or the destructor.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/child_process.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/coturn/version.hpp"

namespace turnkeeper::coturn {

// How long to wait before the next start after so many crashes in a row (from 1): 250 ms, doubling up to 10 s.
[[nodiscard]] std::chrono::milliseconds restart_delay(int crashes);

// How a turnserver ended that should have gone on.
struct Crash {
  int status = 0;  // its exit code, or 128 + signal
  std::chrono::milliseconds ran{0};
  std::chrono::milliseconds restart_in{0};
};

class RelayProcess {
 public:
  struct Options {
    std::string turnserver = "turnserver";  // a path, or a name in PATH
    std::string config_path;
    std::string stderr_path;  // a file that its stderr is appended to; empty: this process's
    std::function<void(const std::string& line)> on_log;  // each line that it prints; left out: they are dropped
    std::function<void(const Crash& crash)> on_crash;
  };

  // Returns when the program runs, which is before it listens. An error when it cannot be executed.
  [[nodiscard]] static Result<std::unique_ptr<RelayProcess>> start(Options options);
  // Kills it if stop() was not called.
  ~RelayProcess();
  RelayProcess(const RelayProcess&) = delete;
  RelayProcess& operator=(const RelayProcess&) = delete;

  // Nothing between a crash and the restart, and after the end.
  [[nodiscard]] std::optional<pid_t> pid() const;
  // Starts so far, the first included.
  [[nodiscard]] int starts() const;

  // From now on its end is final. A version that can refuses new allocations and ends after the last one; for an older
  // one this waits until no allocation is left, and new ones have to be kept away by other means. True when none is
  // left; false when the deadline or `give_up` came first. Call stop() afterwards in any case.
  bool drain(Version version, const api::Ports& ports, Deadline deadline, std::stop_token give_up = {});

  // Makes it read its certificate and key again; sessions go on with the ones they have. False while it is not far
  // enough to be told, or does not run: ask again later. Only for a configuration with TLS or DTLS.
  bool reload_certificate();

  // SIGTERM, then SIGKILL for one that outlives `grace` (coturn 4.18 takes about 5 s). Returns its status as in Crash;
  // the same again when called twice.
  int stop(std::chrono::milliseconds grace);

 private:
  explicit RelayProcess(Options options);
  void supervise(std::promise<Result<>> started);
  // Follows one turnserver to its end, or to the end that stop() asked for.
  int follow(ChildProcess& child);
  void read_log(ChildProcess& child) const;
  bool signal(int number);
  void wake() const;

  const Options options_;
  const int wake_fd_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<pid_t> pid_;
  std::optional<std::chrono::milliseconds> stop_grace_;  // stop() was called
  std::optional<int> final_status_;                      // it ended and will not be started again
  bool restarts_ = true;
  int starts_ = 0;
  std::thread thread_;  // starts the processes: they die with the thread that started them
};

}  // namespace turnkeeper::coturn
