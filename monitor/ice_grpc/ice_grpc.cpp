#include "monitor/ice_grpc/ice_grpc.hpp"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "monitor/ice_grpc/ice_calls.hpp"
#include "turnkeeper/http/check.hpp"
#include "turnkeeper/rpc/grpc_log.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr int longest_message = 64 << 10;
constexpr unsigned certificate_refresh_seconds = 60;
constexpr auto patience_at_the_end = std::chrono::seconds(1);

std::shared_ptr<grpc::ServerCredentials> credentials(const std::optional<IceGrpc::Tls>& tls) {
  if (!tls) return grpc::InsecureServerCredentials();
  namespace experimental = grpc::experimental;
  experimental::TlsServerCredentialsOptions options(std::make_shared<experimental::FileWatcherCertificateProvider>(
      tls->key, tls->certificate, certificate_refresh_seconds));
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  return experimental::TlsServerCredentials(options);
}

}  // namespace

class IceGrpc::Impl {
 public:
  Impl(std::string listen, Core core) : listen_(std::move(listen)), calls_(std::move(core)) {}
  ~Impl() {
    calls_.end_all();
    if (!server_) return;
    server_->Shutdown(std::chrono::system_clock::now() + patience_at_the_end);
    server_->Wait();
  }
  Result<void> listen(const Options& options) {
    log_grpc();
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(listen_.starts_with("*:") ? "[::]" + listen_.substr(1) : listen_, credentials(options.tls),
                             &port_);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
    builder.SetMaxReceiveMessageSize(longest_message);
    builder.RegisterService(&calls_.service());
    server_ = builder.BuildAndStart();
    if (server_ && port_ != 0) return {};
    return fail("cannot listen on " + options.address + " for gRPC", "choose a free HOST:PORT with --ice-grpc-listen");
  }
  [[nodiscard]] std::string address() const {
    if (listen_.starts_with("unix:")) return listen_;
    return listen_.substr(0, listen_.rfind(':') + 1) + std::to_string(port_);
  }

 private:
  const std::string listen_;
  IceCalls calls_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

Result<std::unique_ptr<IceGrpc>> IceGrpc::listen(const Options& options, Core core) {
  if (options.tls) {
    auto usable = http::check_tls_files({options.tls->certificate, options.tls->key});
    if (!usable) return fail(usable.error());
  }
  if (auto sound = http::check_listen_address(options.address); !sound) return fail(sound.error());
  auto impl = std::make_unique<Impl>(options.address, std::move(core));
  if (auto listening = impl->listen(options); !listening) return fail(listening.error());
  return std::unique_ptr<IceGrpc>(new IceGrpc(std::move(impl)));
}

IceGrpc::IceGrpc(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

IceGrpc::~IceGrpc() = default;

std::string IceGrpc::address() const {
  return impl_->address();
}

}  // namespace turnkeeper::monitor
