// How GET /probe?module=NAME probes: one entry of monitor.yaml's `modules:`, blackbox_exporter's word for it.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "monitor/probe/throughput.hpp"
#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/turn/endpoint.hpp"

namespace turnkeeper::monitor {

struct ProbeModule {
  // The credential that the monitor itself uses for the target: only relays of the fleet can be probed with it.
  struct FromFleet {
    std::string cluster;  // empty: of whichever cluster has the target
    bool operator==(const FromFleet&) const = default;
  };
  // Any target with one shared secret (coturn's static-auth-secret).
  struct FromSecret {
    Secret secret;
    bool operator==(const FromSecret&) const = default;
  };
  // Any target with one user.
  struct Fixed {
    std::string username;
    Secret password;
    bool operator==(const Fixed&) const = default;
  };
  struct Tls {
    std::string ca_file;      // empty: the system's store
    std::string server_name;  // empty: the target's host
    bool verify = true;
    bool operator==(const Tls&) const = default;
  };

  std::chrono::milliseconds timeout{5000};  // 100 ms to 60 s
  std::optional<turn::Protocol> transport;  // instead of the one in the target's URI
  std::variant<FromFleet, FromSecret, Fixed> credential;
  bool checks = false;  // the path checks too
  std::optional<ThroughputPlan> throughput;
  bool mtu = false;
  Tls tls;
  bool operator==(const ProbeModule&) const = default;
};

using ProbeModules = std::map<std::string, ProbeModule>;

}  // namespace turnkeeper::monitor
