// Mutual TLS of our own gRPC links: operator and monitors, monitors among themselves. Both ends prove who they are with
// PEM files that the operator, cert-manager or a person may renew in place.
//
//   if (auto name = check_mutual_tls(files); !name) return fail(name.error());
//   builder.AddListeningPort(address, mutual_tls_server(files), &port);
//   ...
//   for (const auto& name : peer_names(*context->auth_context())) ...   // who is it?
#pragma once

#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper {

struct MutualTls {
  std::string certificate;  // PEM chain
  std::string key;
  std::string authority;  // of the other side
};

// That all three can be read and belong together, so that a mistake is said at the start and not as a handshake that
// fails later. The first DNS name in the certificate; empty when it has none.
[[nodiscard]] Result<std::string> check_mutual_tls(const MutualTls& files);

// Follows the files as they change: a change counts after a minute at most. Nothing: plain text.
[[nodiscard]] std::shared_ptr<grpc::ServerCredentials> mutual_tls_server(const std::optional<MutualTls>& files);
// Of the files as they are now. Nothing: plain text.
[[nodiscard]] Result<std::shared_ptr<grpc::ChannelCredentials>> mutual_tls_channel(
    const std::optional<MutualTls>& files);

// The subject alternative names of the other end's certificate: DNS names, URIs and addresses. Empty in plain text, and
// for a call of a client that has not been answered yet.
[[nodiscard]] std::vector<std::string> peer_names(const grpc::AuthContext& peer);

}  // namespace turnkeeper
