// What the metrics say, as values. Private to monitor/metrics.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "monitor/metrics/histogram.hpp"
#include "monitor/metrics/relay_series.hpp"
#include "monitor/probe/probe_result.hpp"
#include "monitor/target/fleet.hpp"
#include "monitor/target/provider_status.hpp"
#include "turnkeeper/api/health.hpp"

namespace turnkeeper::monitor {

// As in the TurnCluster's status, as far as the keys alone tell.
inline constexpr std::array<std::string_view, 4> rotation_phases{"Idle", "Proving", "WaitingOutTtl", "ProvingRefusal"};

// Full probes of one relay over one transport.
struct CountedProbes {
  bool success = false;
  api::Cause cause = api::Cause::none;
  std::vector<std::pair<Phase, std::chrono::nanoseconds>> phases;  // of the newest one
  std::map<api::Cause, std::uint64_t> failures;
  std::optional<SystemTime> certificate_expiry;
};
struct CountedRelay {
  std::string labels;            // cluster, region, relay, vantage
  std::string canary_transport;  // transport="udp"
  RelaySeries echoes;
  std::map<std::string, CountedProbes> probes;
  api::Verdict verdict = api::Verdict::unknown;
  api::Cause cause = api::Cause::none;
  std::optional<std::uint32_t> sessions;
  std::optional<std::uint64_t> sent_bytes;
  std::optional<std::uint64_t> received_bytes;
};
struct CountedRegion {
  std::string labels;
  std::map<std::pair<std::string, Phase>, Histogram<12>> phases;
  std::optional<bool> serving;
  std::string backup;
  api::Cause failover_cause = api::Cause::none;
  std::map<std::string, std::chrono::nanoseconds> distances;
  std::map<api::Cause, std::uint64_t> failovers;
  std::optional<Histogram<12>> failover_time;
  std::map<std::string, std::uint64_t> issued;
  std::optional<std::size_t> push_clients;
};
struct CountedCluster {
  std::string labels;
  SystemTime key_created;
  std::chrono::seconds rotate_every{0};
  std::string_view rotation = rotation_phases.front();
  std::map<std::string, std::size_t> incidents;
};

struct Counted {
  std::string vantage;  // vantage="laptop"
  std::map<RelayId, CountedRelay> relays;
  std::map<std::pair<std::string, std::string>, CountedRegion> regions;
  std::map<std::string, CountedCluster> clusters;
  std::map<std::string, ProviderStatus> providers;  // by labels
  bool blind = false;
  std::optional<std::pair<std::size_t, std::size_t>> peers;
  std::optional<bool> operator_connected;
  std::optional<bool> config_ok;
  std::optional<SystemTime> config_loaded;
  std::map<std::string, std::uint64_t> rejected;
  std::map<std::string, std::array<std::uint64_t, 4>> notifications;
};

}  // namespace turnkeeper::monitor
