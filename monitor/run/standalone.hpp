// A monitor that watches what a monitor.yaml says: hands it to the service, and reads it again when it changes. A new
// file with mistakes is logged, and the old one stays.
#pragma once

#include <boost/asio/io_context.hpp>
#include <set>
#include <string>

#include "monitor/config/config_watch.hpp"
#include "monitor/config/monitor_config.hpp"
#include "monitor/service/service.hpp"

namespace turnkeeper::monitor {

[[nodiscard]] FleetWatch::Settings probing_settings(const MonitorConfig& config);
[[nodiscard]] Exchange::Options exchange_options(const ExchangeConfig& config);

class Standalone {
 public:
  // `files` as load_monitor_config() told them. Both references outlive it.
  Standalone(boost::asio::io_context& io, Service& service, std::string path, MonitorConfig config,
             std::set<std::string> files);

  // On SIGHUP. Thread-safe.
  void reload() { watch_.reload(); }

 private:
  void take(MonitorConfig config);
  void reloaded(ConfigWatch::Reloaded config);

  Service& service_;
  const std::string path_;
  MonitorConfig config_;
  ConfigWatch watch_;  // last: its thread uses the rest
};

}  // namespace turnkeeper::monitor
