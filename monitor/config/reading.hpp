// What the readers of monitor.yaml's parts share while one file is read.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "monitor/config/monitor_config.hpp"
#include "turnkeeper/api/object_reader.hpp"

namespace turnkeeper::monitor {

struct Reading {
  api::ReadReport& report;
  std::filesystem::path folder;  // of monitor.yaml
  MonitorConfig& config;
  std::set<std::string>& files;
  std::set<std::string> names = {};  // of servers and providers

  [[nodiscard]] Cluster& cluster() const { return config.fleet.clusters.front(); }
  [[nodiscard]] std::string beside(const std::string& path) const { return (folder / path).string(); }
  // The contents of one file, which must not be empty.
  [[nodiscard]] std::optional<Secret> read_secret(const std::string& path, const std::string& field);
  // The same of the file that a key names.
  [[nodiscard]] std::optional<Secret> read_secret(api::ObjectReader& reader, const char* key);
  // The path of a file that whoever uses it reads by itself. It must be there now.
  void read_path(api::ObjectReader& reader, const char* key, std::string& path);
  // "caFile": the same of PEM certificates to trust.
  void read_authorities(api::ObjectReader& reader, std::string& path);
};

void read_servers(Reading& reading, api::ObjectReader& reader);
// After the servers, whose regions it prices.
void read_failover(Reading& reading, api::ObjectReader& reader);
// All but its name; finishes the reader.
void read_provider(Reading& reading, api::ObjectReader& reader, ProviderConfig& provider);
void read_tls(Reading& reading, api::ObjectReader& reader);
void read_modules(Reading& reading, api::ObjectReader& reader);
void read_notifications(Reading& reading, api::ObjectReader& reader);
void read_clients(Reading& reading, api::ObjectReader& reader);
void read_exchange(Reading& reading, api::ObjectReader& reader);
void read_access(Reading& reading, api::ObjectReader& reader);
void read_throughput(api::ObjectReader& reader, std::optional<ThroughputPlan>& plan);

// A TURN URL, with the transport that browsers take it to mean.
[[nodiscard]] Result<turn::Uri> turn_url(const std::string& text);

}  // namespace turnkeeper::monitor
