// How the mesh's connections are made: keepalive at both ends, no reconnecting of gRPC's own.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "monitor/exchange/exchange.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::monitor {

// By what the far end of each connection is known to be a monitor: the first DNS name in our own certificate. Errors: a
// file cannot be read, they do not belong together, there is no name.
[[nodiscard]] Result<std::string> mesh_name(const Exchange::Tls& files);

// Does not connect yet. `mesh_name` is what the far end's certificate must carry. Errors: a TLS file cannot be read.
[[nodiscard]] Result<std::shared_ptr<grpc::Channel>> mesh_channel(const std::string& address,
                                                                  const std::optional<Exchange::Tls>& tls,
                                                                  const std::string& mesh_name,
                                                                  std::chrono::milliseconds keepalive);
// `port` is set when the server has started; it stays 0 when it could not listen.
[[nodiscard]] std::unique_ptr<grpc::Server> mesh_server(const std::string& listen,
                                                        const std::optional<Exchange::Tls>& tls, grpc::Service& service,
                                                        std::chrono::milliseconds keepalive, int& port);

}  // namespace turnkeeper::monitor
