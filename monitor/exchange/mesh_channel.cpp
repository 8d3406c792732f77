#include "monitor/exchange/mesh_channel.hpp"

#include <grpcpp/grpcpp.h>

#include "turnkeeper/rpc/grpc_log.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr int longest_message = 16 << 20;  // some hundred thousand relays
constexpr int longest_connect_ms = 3'000;

template <class SetInt>
void keep_alive(std::chrono::milliseconds keepalive, SetInt set) {
  const int ms = static_cast<int>(keepalive.count());
  set(GRPC_ARG_KEEPALIVE_TIME_MS, ms);
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ms);
  set(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  set(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  set(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
}

}  // namespace

Result<std::string> mesh_name(const Exchange::Tls& files) {
  auto name = check_mutual_tls(files);
  if (!name) return fail(name.error().within("TLS of the exchange"));
  if (!name->empty()) return name;
  return fail(files.certificate + " carries no DNS name",
              "have it issued with a DNS name that all monitors share, such as turnkeeper-monitor");
}

Result<std::shared_ptr<grpc::Channel>> mesh_channel(const std::string& address, const std::optional<Exchange::Tls>& tls,
                                                    const std::string& mesh_name, std::chrono::milliseconds keepalive) {
  auto credentials = mutual_tls_channel(tls);
  if (!credentials) return fail(credentials.error().within("TLS towards another monitor"));
  grpc::ChannelArguments arguments;
  keep_alive(keepalive, [&](const char* name, int value) { arguments.SetInt(name, value); });
  arguments.SetInt(GRPC_ARG_HTTP2_MIN_SENT_PING_INTERVAL_WITHOUT_DATA_MS, 100);
  // gRPC's own reconnecting would go on with the old certificate and knows no jitter of ours. Its shortest backoff is
  // also its longest time for a connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, longest_connect_ms);
  arguments.SetMaxReceiveMessageSize(longest_message);
  if (tls) arguments.SetSslTargetNameOverride(mesh_name);
  return grpc::CreateCustomChannel(address, std::move(*credentials), arguments);
}

std::unique_ptr<grpc::Server> mesh_server(const std::string& listen, const std::optional<Exchange::Tls>& tls,
                                          grpc::Service& service, std::chrono::milliseconds keepalive, int& port) {
  log_grpc();
  grpc::ServerBuilder builder;
  builder.AddListeningPort(listen, mutual_tls_server(tls), &port);
  // Two monitors on one port would each hear half of the peers.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  keep_alive(keepalive, [&](const char* name, int value) { builder.AddChannelArgument(name, value); });
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 100);
  builder.SetMaxReceiveMessageSize(longest_message);
  builder.RegisterService(&service);
  return builder.BuildAndStart();
}

}  // namespace turnkeeper::monitor
