// Reads monitor.yaml again when it, or a file that it names, changes: editors, `mv`, and the symlink swap of a mounted
// Kubernetes volume alike. Looks every two seconds, on a thread of its own, so that a slow disk delays no echo.
//
//   ConfigWatch watch("monitor.yaml", files, [&](Reloaded config) { boost::asio::post(io, ...); });
//   watch.reload();                 // on SIGHUP: now, changed or not
//
// A file that is still being written is waited for until it rests. The outcome of each reading is told once, good or
// bad, from the watch's thread; nothing is told after the destructor has begun.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "monitor/config/monitor_config.hpp"

namespace turnkeeper::monitor {

class ConfigWatch {
 public:
  using Reloaded = tl::expected<MonitorConfig, api::Problems>;
  using OnReload = std::function<void(Reloaded)>;

  // `files`: what load_monitor_config() told when the present configuration was read.
  ConfigWatch(std::string path, std::set<std::string> files, OnReload on_reload,
              std::chrono::milliseconds interval = std::chrono::seconds(2));
  ~ConfigWatch();
  ConfigWatch(const ConfigWatch&) = delete;
  ConfigWatch& operator=(const ConfigWatch&) = delete;

  // Thread-safe, returns at once. Many in a row are one.
  void reload();

 private:
  void run(const std::stop_token& stop);

  const std::string path_;
  const OnReload on_reload_;
  const std::chrono::milliseconds interval_;
  std::set<std::string> files_;  // the thread's
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool wanted_ = false;
  std::string seen_;  // fingerprint at the last reading; the thread's
  std::jthread thread_;
};

}  // namespace turnkeeper::monitor
