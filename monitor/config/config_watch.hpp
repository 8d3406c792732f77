// Reads monitor.yaml again when it, or a file that it names, changes.
//
//   ConfigWatch watch("monitor.yaml", files, [&](Reloaded config) { boost::asio::post(io, ...); });
//   watch.reload();                 // on SIGHUP: now, changed or not
//
// The outcome of each reading is told once, good or bad, from the watch's thread; nothing is told after the destructor
// has begun.
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>

#include "monitor/config/monitor_config.hpp"
#include "turnkeeper/base/file_watch.hpp"

namespace turnkeeper::monitor {

class ConfigWatch {
 public:
  using Reloaded = tl::expected<MonitorConfig, api::Problems>;
  using OnReload = std::function<void(Reloaded)>;

  // `files`: what load_monitor_config() told when the present configuration was read.
  ConfigWatch(std::string path, std::set<std::string> files, OnReload on_reload,
              std::chrono::milliseconds interval = std::chrono::seconds(2));

  // Thread-safe, returns at once. Many in a row are one.
  void reload() { watch_.read_again(); }

 private:
  FileWatch watch_;
};

}  // namespace turnkeeper::monitor
