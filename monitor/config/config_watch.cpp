#include "monitor/config/config_watch.hpp"

namespace turnkeeper::monitor {

ConfigWatch::ConfigWatch(std::string path, std::set<std::string> files, OnReload on_reload,
                         std::chrono::milliseconds interval)
    : watch_(
          std::move(files),
          [path = std::move(path), on_reload = std::move(on_reload)] {
            std::set<std::string> read;
            on_reload(load_monitor_config(path, &read));
            return read;
          },
          interval) {}

}  // namespace turnkeeper::monitor
