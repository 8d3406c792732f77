// The agent's coturn over all its starts: passes its log on, says why it crashed, and tells when it cannot work at all.
// For one io_context; start() and stop() from its thread.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/coturn_log.hpp"
#include "turnkeeper/coturn/relay_process.hpp"

namespace turnkeeper::agent {

class CoturnRun {
 public:
  // `on_hopeless`: coturn has complained for a while of something that will not pass. On the io_context.
  CoturnRun(boost::asio::io_context& io, std::function<void(const Error&)> on_hopeless);

  // coturn's log goes to stdout. An error when it cannot be executed.
  [[nodiscard]] Result<> start(const std::string& turnserver, const std::string& config_path);
  // Kills it: it has nothing to put in order at its end, tells no client of it, and takes seconds over a SIGTERM. It
  // may be started again.
  void stop();

  // Null before the first start and after stop().
  [[nodiscard]] coturn::RelayProcess* process() const { return process_.get(); }
  // Nothing between a crash and the next start.
  [[nodiscard]] std::optional<pid_t> pid() const { return process_ ? process_->pid() : std::nullopt; }
  // So far, the first included.
  [[nodiscard]] int starts() const { return earlier_starts_ + (process_ ? process_->starts() : 0); }

  // How it ended last and its last words; empty: not at all, or it works again.
  [[nodiscard]] const std::string& crash() const { return crash_; }
  void works() { crash_.clear(); }

 private:
  void on_log(const std::string& line);
  void on_crash(const coturn::Crash& crash);

  boost::asio::io_context& io_;
  const std::function<void(const Error&)> on_hopeless_;
  CoturnLog log_;  // the process's thread has it, as long as there is one
  std::string crash_;
  int earlier_starts_ = 0;
  std::unique_ptr<coturn::RelayProcess> process_;
};

}  // namespace turnkeeper::agent
