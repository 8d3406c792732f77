// The monitor's connection to the operator: targets come in, health goes out (turnkeeper.v1 Targets and Health).
//
//   auto link = OperatorLink::start({.address = "turnkeeper-operator:9443", .vantage = "eu", .tls = files},
//                                   [&](Fleet fleet) { service.set_fleet(std::move(fleet)); });
//   if (!link) return fail(link.error());
//   service.on_health([&](FleetReport report) { (*link)->report(std::move(report)); });
//
// It reconnects for ever, with backoff and jitter, and reads the TLS files anew each time, so that renewed certificates
// are used. While the operator is away nothing is called: the receiver goes on with the last Fleet.
// Thread-safe. The callback runs on gRPC's threads, one call at a time, and not after the destructor has returned.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "monitor/target/fleet.hpp"
#include "monitor/target/relay_health.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/rpc/mutual_tls.hpp"

namespace turnkeeper::monitor {

class OperatorLink {
 public:
  using Tls = MutualTls;
  struct Options {
    std::string address;  // "host:port"
    std::string vantage;
    std::string cluster;                           // "namespace/name": watch this one alone; empty: all
    std::optional<Tls> tls;                        // nothing: in the clear, for tests and development
    std::chrono::milliseconds first_backoff{200};  // doubled up to longest_backoff, half of it random
    std::chrono::milliseconds longest_backoff{10'000};
    std::chrono::milliseconds shortest_report{250};    // between two reports, however much changes
    std::chrono::milliseconds numbers_report{5'000};   // ... when only sessions and bytes have changed
    std::chrono::milliseconds longest_report{10'000};  // ... when nothing has
    std::chrono::milliseconds keepalive{20'000};       // the server must allow pings at this rate
  };
  using OnFleet = std::function<void(Fleet)>;

  // Does not wait for the operator. An error when a TLS file cannot be read.
  [[nodiscard]] static Result<std::unique_ptr<OperatorLink>> start(Options options, OnFleet on_fleet);
  ~OperatorLink();
  OperatorLink(const OperatorLink&) = delete;
  OperatorLink& operator=(const OperatorLink&) = delete;

  // The whole picture; only the newest is kept. Sent at connect, at once on a change of anything but
  // numbers, and at the latest every longest_report.
  void report(FleetReport report);
  // Targets have arrived on the present connection.
  [[nodiscard]] bool connected() const;

 private:
  class Impl;
  explicit OperatorLink(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace turnkeeper::monitor
