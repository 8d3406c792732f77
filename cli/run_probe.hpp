// turnctl's own probes: made here and now, without a monitor.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "monitor/probe/path_checks.hpp"
#include "monitor/probe/probe.hpp"
#include "turnkeeper/turn/tls.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::cli {

struct ProbeRequest {
  std::vector<turn::Uri> uris;
  turn::Credential credential;
  turn::TlsOptions tls;
  std::optional<turn::SocketAddress::Family> relayed_family;
  std::chrono::milliseconds timeout{5000};  // for each probe
  int count = 1;                            // rounds
  std::chrono::milliseconds interval{0};    // from the start of one round to that of the next
  std::optional<monitor::ThroughputPlan> throughput;
  bool mtu = false;
  std::optional<monitor::PathTarget> checks;  // what must be refused; its relay is filled in. Once for each URI.
};

struct ProbeReport {
  turn::Uri uri;
  monitor::ProbeResult result;
  std::optional<monitor::PathReport> checks;
};

// Where a "turn:" or "turns:" URI points. An error for what cannot be probed: STUN.
[[nodiscard]] Result<turn::Uri> probe_uri(const std::string& text);

// Full probes, one after the other: in each round, of each endpoint that each URI leads to, or one result for a name
// that does not resolve. Blocks; a stop ends it soon, with nothing left on the relay. An error when there can be no
// TLS.
[[nodiscard]] Result<> run_probes(const ProbeRequest& request, std::stop_token stop,
                                  const std::function<void(const ProbeReport&)>& on_report);

// One full probe of the best endpoint.
[[nodiscard]] Result<monitor::ProbeResult> run_probe(const std::string& uri, turn::Credential credential);

}  // namespace turnkeeper::cli
