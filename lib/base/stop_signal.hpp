// SIGINT and SIGTERM as a stop_token: how every program learns that it should end.
//
//   int main() {
//     StopSignal stop;                       // before any other thread starts: threads inherit the blocked signals
//     std::stop_callback wake(stop.token(), [&] { io.stop(); });
//     io.run();
//   }
//
// A second signal ends the process at once, for the person whose shutdown hangs.
#pragma once

#include <stop_token>
#include <thread>

namespace turnkeeper {

class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  // Blocks until a signal came or request_stop() was called.
  void wait() const;
  // The same as a signal, from inside.
  void request_stop() { source_.request_stop(); }

 private:
  std::stop_source source_;
  int cancel_fd_ = -1;
  int signal_fd_ = -1;
  std::thread thread_;
};

}  // namespace turnkeeper
