// Serves Targets.Watch and Health.Report to the monitors, with grpc.health.v1 and reflection.
//
//   auto server = GrpcServer::listen({.address = "0.0.0.0:9443", .tls = files}, targets, health);
//   if (!server) return fail(server.error());
//
// Who may hear and say what is in the caller's certificate (turnkeeper/api/vantage_identity.hpp): a vantage of one
// TurnCluster hears of that one and is believed about that one, under its own name; all others, and everybody in plain
// text, hear of all and are believed about all.
//
// Streams run on gRPC's own threads. The boards must outlive the server.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "operator/link/health_board.hpp"
#include "operator/link/target_board.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/rpc/mutual_tls.hpp"

namespace turnkeeper::op {

class GrpcServer {
 public:
  struct Options {
    std::string address;           // "0.0.0.0:9443"; port 0: the kernel chooses
    std::optional<MutualTls> tls;  // none: plain text
  };
  // Errors: the address is in use or malformed, the certificates cannot be used.
  [[nodiscard]] static Result<std::unique_ptr<GrpcServer>> listen(const Options& options, TargetBoard& targets,
                                                                  HealthBoard& health);
  // Ends every stream with UNAVAILABLE, so that monitors look for the next operator, and waits for them.
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  [[nodiscard]] int port() const;

 private:
  class Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace turnkeeper::op
