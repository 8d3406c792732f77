#include "agent/coturn_run.hpp"

#include <boost/asio/post.hpp>
#include <cstdio>

#include "turnkeeper/base/log.hpp"

namespace turnkeeper::agent {

CoturnRun::CoturnRun(boost::asio::io_context& io, std::function<void(const Error&)> on_hopeless)
    : io_(io), on_hopeless_(std::move(on_hopeless)) {}

Result<> CoturnRun::start(const std::string& turnserver, const std::string& config_path) {
  log_.restart();
  auto process = coturn::RelayProcess::start({.turnserver = turnserver,
                                              .config_path = config_path,
                                              .on_log = [this](const std::string& line) { on_log(line); },
                                              .on_crash = [this](const coturn::Crash& crash) { on_crash(crash); }});
  if (!process) return fail(process.error());
  process_ = std::move(*process);
  return {};
}

void CoturnRun::stop() {
  if (!process_) return;
  process_->stop(std::chrono::milliseconds(0));
  earlier_starts_ += process_->starts();
  process_.reset();
}

void CoturnRun::on_log(const std::string& line) {
  std::fprintf(stdout, "%s\n", line.c_str());
  std::fflush(stdout);
  const auto finding = log_.add(line, real_clock().steady());
  if (finding.first_seen) log::warn(finding.first_seen->message, {{"advice", finding.first_seen->advice}});
  if (finding.lasting) boost::asio::post(io_, [this, error = *finding.lasting] { on_hopeless_(error); });
}

void CoturnRun::on_crash(const coturn::Crash& crash) {
  const std::string words = log_.last_words();
  log_.restart();
  log::error("coturn ended by itself", {{"status", crash.status},
                                        {"ran_ms", crash.ran.count()},
                                        {"restart_in_ms", crash.restart_in.count()},
                                        {"last_words", words}});
  std::string how = "coturn ended by itself with status " + std::to_string(crash.status) + " after " +
                    std::to_string(crash.ran.count()) + " ms";
  if (!words.empty()) how += "; its last words: " + words;
  boost::asio::post(io_, [this, how = std::move(how)] { crash_ = how; });
}

}  // namespace turnkeeper::agent
