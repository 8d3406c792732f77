// The flags of turnkeeper-monitor; monitor/run/service_options.hpp has what they ask for.
#pragma once

#include <string>
#include <vector>

#include "monitor/run/access_flags.hpp"
#include "turnkeeper/base/result.hpp"

namespace CLI {
class App;
}

namespace turnkeeper::monitor {

struct Flags {
  std::string config;
  bool check_config = false;
  bool once = false;
  bool json = false;
  std::string test_notification;
  std::string state_file;
  std::string operator_address;
  std::string cluster;
  std::string tls_certificate, tls_key, tls_authority;
  bool insecure_grpc = false;
  std::string snapshot;
  std::string exchange_listen;
  std::vector<std::string> exchange_peers;
  std::string exchange_peers_dns;
  std::string listen = "127.0.0.1:8480";
  std::string tls_listen_certificate, tls_listen_key;
  std::string ice_grpc_listen;
  std::string ice_grpc_tls_certificate, ice_grpc_tls_key;
  std::size_t max_connections = 32'768;
  std::size_t max_connections_per_address = 0;
  std::string vantage;
  AccessFlags access;
  bool audit = true;
  std::string region_header;
  std::vector<std::string> region_map;  // "DE=eu"
  std::string log_level = "info";
  std::string log_format = "logfmt";
};

void declare(CLI::App& app, Flags& flags);

// Of --log-level and --log-format.
[[nodiscard]] Result<void> configure_log(const Flags& flags);

}  // namespace turnkeeper::monitor
