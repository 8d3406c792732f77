// The certificates of the mesh: every monitor is server and client with the same files, and knows its like by a name
// that their certificates share.
#pragma once

#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <optional>
#include <string>

#include "monitor/exchange/exchange.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::monitor {

// The first DNS name in the certificate. Errors: a file cannot be read, they do not belong together, there is no name.
[[nodiscard]] Result<std::string> mesh_name(const Exchange::Tls& files);

// Follows the files as they change.
[[nodiscard]] std::shared_ptr<grpc::ServerCredentials> mesh_server_credentials(
    const std::optional<Exchange::Tls>& files);
// Of the files as they are now.
[[nodiscard]] Result<std::shared_ptr<grpc::ChannelCredentials>> mesh_channel_credentials(
    const std::optional<Exchange::Tls>& files);
// Does the caller's certificate carry this name?
[[nodiscard]] bool is_of_the_mesh(const grpc::AuthContext& caller, const std::string& name);

}  // namespace turnkeeper::monitor
