#include "monitor/ice_grpc/ice_grpc.hpp"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <mutex>
#include <set>

#include "monitor/ice_grpc/ice_proto.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/v1/ice.grpc.pb.h"

namespace turnkeeper::monitor {
namespace {

constexpr int longest_message = 64 << 10;
constexpr int most_ends = 100;
constexpr unsigned certificate_refresh_seconds = 60;
constexpr auto patience_at_the_end = std::chrono::seconds(1);

grpc::Status stopping() {
  return {grpc::StatusCode::UNAVAILABLE, "this monitor stops; ask another"};
}

// "ipv4:192.0.2.1:40000", "ipv6:%5B2001:db8::1%5D:40000", "unix:..." as gRPC has it.
std::string peer_address(const std::string& peer) {
  const auto colon = peer.find(':');
  if (!peer.starts_with("ipv")) return peer.substr(0, colon);
  auto address = percent_decode(peer.substr(colon + 1));
  return address ? std::move(*address) : std::string();
}

std::string metadata(const grpc::CallbackServerContext& context, const char* name) {
  const auto found = context.client_metadata().find(name);
  return found == context.client_metadata().end() ? std::string()
                                                  : std::string(found->second.data(), found->second.size());
}

Presented presented(const grpc::CallbackServerContext& context) {
  constexpr std::string_view scheme = "Bearer ";
  const auto authorization = metadata(context, "authorization");
  return {.key = authorization.starts_with(scheme) ? Secret(authorization.substr(scheme.size())) : Secret(),
          .address = peer_address(context.peer()),
          .forwarded_for = metadata(context, "x-forwarded-for")};
}

grpc::Status status_of(const Refusal& refusal, grpc::CallbackServerContext& context) {
  if (refusal.retry_after) {
    context.AddTrailingMetadata("retry-after", std::to_string(refusal.retry_after->count()));
  }
  const auto code = refusal.status == 403   ? grpc::StatusCode::PERMISSION_DENIED
                    : refusal.status == 429 ? grpc::StatusCode::RESOURCE_EXHAUSTED
                    : refusal.status == 503 ? grpc::StatusCode::UNAVAILABLE
                                            : grpc::StatusCode::UNAUTHENTICATED;
  return {code, refusal.error.text()};
}

grpc::Status status_of(const IceFailure& failure) {
  const auto code = failure.kind == IceFailure::Kind::bad_request ? grpc::StatusCode::INVALID_ARGUMENT
                    : failure.kind == IceFailure::Kind::not_found ? grpc::StatusCode::NOT_FOUND
                                                                  : grpc::StatusCode::UNAVAILABLE;
  return {code, failure.error.text()};
}

// For whom the credentials are: whom the request names, unless the key is good for one user only.
grpc::Status settle_user(const Caller& caller, IceRequest& request) {
  if (!caller.user) return grpc::Status::OK;
  if (request.user.empty()) request.user = *caller.user;
  if (request.user == *caller.user) return grpc::Status::OK;
  return {grpc::StatusCode::PERMISSION_DENIED, "this key is good for another user's credentials only"};
}

// Of a call that is under way. Kept by gRPC until it is done, and by what was posted for it.
class Call {
 public:
  virtual ~Call() = default;
  virtual void end(const grpc::Status& status) = 0;
};

class OpenCalls {
 public:
  void add(Call& call) {
    std::unique_lock lock(mutex_);
    calls_.insert(&call);
    if (!ending_) return;
    lock.unlock();
    call.end(stopping());
  }
  void remove(Call& call) {
    std::lock_guard lock(mutex_);
    calls_.erase(&call);
  }
  // A call's end() may not come back here: OnDone() does, from another thread.
  void end_all() {
    std::lock_guard lock(mutex_);
    ending_ = true;
    for (auto* call : calls_) call->end(stopping());
  }

 private:
  std::mutex mutex_;
  bool ending_ = false;
  std::set<Call*> calls_;
};

// Of the executor's thread alone.
struct Desk {
  IceGrpc::Core core;
  std::set<PushHub::Subscription> watches;
  explicit Desk(IceGrpc::Core to) : core(std::move(to)) {}
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;
  ~Desk() {
    for (const auto watch : watches) core.hub.unsubscribe(watch);
  }
};

// What calls have of the server. The desk is gone once the server is being destroyed.
struct Home {
  boost::asio::any_io_executor executor;
  std::weak_ptr<Desk> desk;
  std::shared_ptr<OpenCalls> open = std::make_shared<OpenCalls>();
};

class GetCall final : public grpc::ServerUnaryReactor, public Call, public std::enable_shared_from_this<GetCall> {
 public:
  GetCall(Home home, grpc::CallbackServerContext& context, const v1::GetIceRequest& request,
          v1::GetIceResponse& response)
      : home_(std::move(home)),
        context_(context),
        presented_(presented(context)),
        request_(request),
        response_(response) {}

  void begin() {
    self_ = shared_from_this();
    home_.open->add(*this);
    boost::asio::post(home_.executor, [self = shared_from_this()] {
      if (const auto desk = self->home_.desk.lock()) self->answer(desk->core);
    });
  }
  void end(const grpc::Status& status) override {
    std::lock_guard lock(mutex_);
    finish_locked(status);
  }
  void OnDone() override {
    home_.open->remove(*this);
    self_.reset();
  }

 private:
  void answer(const IceGrpc::Core& core) {
    std::lock_guard lock(mutex_);
    if (!finished_) finish_locked(configs(core));
  }
  grpc::Status configs(const IceGrpc::Core& core) {
    const auto caller = core.gate.admit(presented_);
    if (!caller) return status_of(caller.error(), context_);
    if (request_.ends().empty() || request_.ends_size() > most_ends) {
      return {grpc::StatusCode::INVALID_ARGUMENT, "give 1 to " + std::to_string(most_ends) + " ends"};
    }
    const auto says_where = [](const v1::IceEnd& end) { return !end.region().empty() || !end.round_trips().empty(); };
    const auto first = std::ranges::find_if(request_.ends(), says_where);
    std::vector<std::pair<std::string, IceConfig>> made;
    for (const auto& end : request_.ends()) {
      auto request = ice_request(request_.cluster(), request_.session(), end);
      if (!says_where(end) && first != request_.ends().end()) {
        auto there = ice_request({}, {}, *first);
        request.region = std::move(there.region);
        request.rtts = std::move(there.rtts);
      }
      if (auto settled = settle_user(*caller, request); !settled.ok()) return settled;
      auto config = core.make_config(request);
      if (!config) return status_of(config.error());
      made.emplace_back(std::move(request.user), std::move(*config));
    }
    for (const auto& [user, config] : made) {
      core.issued(*caller, user, config);
      *response_.add_configs() = to_proto(config);
    }
    return grpc::Status::OK;
  }
  void finish_locked(const grpc::Status& status) {
    if (!std::exchange(finished_, true)) Finish(status);
  }

  const Home home_;
  grpc::CallbackServerContext& context_;
  const Presented presented_;
  const v1::GetIceRequest& request_;  // both are gone once it is done
  v1::GetIceResponse& response_;
  std::mutex mutex_;
  bool finished_ = false;
  std::shared_ptr<GetCall> self_;
};

// Sends the newest config, one at a time; those that came meanwhile but the last are never sent.
class WatchCall final : public grpc::ServerWriteReactor<v1::IceConfig>,
                        public Call,
                        public std::enable_shared_from_this<WatchCall> {
 public:
  WatchCall(Home home, grpc::CallbackServerContext& context, const v1::WatchIceRequest& request)
      : home_(std::move(home)), context_(context), presented_(presented(context)), request_(request) {}

  void begin() {
    self_ = shared_from_this();
    home_.open->add(*this);
    boost::asio::post(home_.executor, [self = shared_from_this()] {
      if (const auto desk = self->home_.desk.lock()) self->subscribe(*desk);
    });
  }
  void end(const grpc::Status& status) override {
    std::lock_guard lock(mutex_);
    finish_locked(status);
  }
  void OnWriteDone(bool ok) override {
    std::lock_guard lock(mutex_);
    sending_.reset();
    if (ending_) return finish_locked(*ending_);
    if (!ok) return finish_locked(grpc::Status::CANCELLED);
    write_locked();
  }
  void OnCancel() override { end(grpc::Status::CANCELLED); }
  void OnDone() override {
    home_.open->remove(*this);
    boost::asio::post(home_.executor, [self = std::move(self_)] {
      const auto desk = self->home_.desk.lock();
      if (!desk || !self->subscription_) return;
      desk->core.hub.unsubscribe(*self->subscription_);
      desk->watches.erase(*self->subscription_);
    });
  }

 private:
  void subscribe(Desk& desk) {
    auto& core = desk.core;
    const auto caller = core.gate.admit(presented_);
    if (!caller) return refuse(caller.error());
    auto request = ice_request(request_.cluster(), request_.session(), request_.end());
    if (const auto settled = settle_user(*caller, request); !settled.ok()) return end(settled);
    // The hub lets go of it after OnDone(), or with the desk: until then both are there.
    const auto send = [this, &core, caller = *caller, user = request.user](const Push& push) {
      if (!core.gate.still_admits(caller)) {
        return end({grpc::StatusCode::UNAUTHENTICATED, "the key is not good any more"});
      }
      core.issued(caller, user, push.config);
      offer(to_proto(push));
    };
    const auto subscription = core.hub.subscribe(std::move(request), std::to_string(request_.last_id()), send);
    if (!subscription) return end(status_of(subscription.error()));
    subscription_ = *subscription;
    desk.watches.insert(*subscription);
  }
  void refuse(const Refusal& refusal) {
    std::lock_guard lock(mutex_);
    if (!finished_) finish_locked(status_of(refusal, context_));
  }
  void offer(v1::IceConfig config) {
    std::lock_guard lock(mutex_);
    waiting_ = std::move(config);
    write_locked();
  }
  void write_locked() {
    if (finished_ || ending_ || sending_ || !waiting_) return;
    sending_.swap(waiting_);
    StartWrite(&*sending_);
  }
  // A status must not overtake a message that is being sent.
  void finish_locked(const grpc::Status& status) {
    if (finished_) return;
    if (sending_) {
      ending_ = status;
      return;
    }
    finished_ = true;
    Finish(status);
  }

  const Home home_;
  grpc::CallbackServerContext& context_;  // gone once it is done
  const Presented presented_;
  const v1::WatchIceRequest request_;
  std::mutex mutex_;
  std::optional<v1::IceConfig> waiting_;
  std::optional<v1::IceConfig> sending_;  // gRPC reads it until OnWriteDone
  std::optional<grpc::Status> ending_;
  bool finished_ = false;
  std::optional<PushHub::Subscription> subscription_;  // of the executor's thread alone
  std::shared_ptr<WatchCall> self_;
};

class IceService final : public v1::Ice::CallbackService {
 public:
  explicit IceService(Home home) : home_(std::move(home)) {}

  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const v1::GetIceRequest* request,
                                v1::GetIceResponse* response) override {
    const auto call = std::make_shared<GetCall>(home_, *context, *request, *response);
    call->begin();
    return call.get();
  }
  grpc::ServerWriteReactor<v1::IceConfig>* Watch(grpc::CallbackServerContext* context,
                                                 const v1::WatchIceRequest* request) override {
    const auto call = std::make_shared<WatchCall>(home_, *context, *request);
    call->begin();
    return call.get();
  }

 private:
  const Home home_;
};

Result<void> check(const IceGrpc::Tls& tls) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  Result<void> result;
  if (SSL_CTX_use_certificate_chain_file(context.get(), tls.certificate.c_str()) != 1) {
    result = fail(tls.certificate + " holds no certificate", "give a PEM certificate chain with --ice-grpc-tls-cert");
  } else if (SSL_CTX_use_PrivateKey_file(context.get(), tls.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    result = fail(tls.key + " does not hold the private key of " + tls.certificate,
                  "give its PEM key with --ice-grpc-tls-key");
  }
  ERR_clear_error();
  return result;
}

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
  Impl(std::string host, Core core)
      : host_(std::move(host)),
        desk_(std::make_shared<Desk>(std::move(core))),
        home_{desk_->core.executor, desk_},
        service_(home_) {}
  ~Impl() {
    desk_.reset();
    home_.open->end_all();
    if (!server_) return;
    server_->Shutdown(std::chrono::system_clock::now() + patience_at_the_end);
    server_->Wait();
  }
  Result<void> listen(const Options& options) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(options.address, credentials(options.tls), &port_);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
    builder.SetMaxReceiveMessageSize(longest_message);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (server_ && port_ != 0) return {};
    return fail("cannot listen on " + options.address + " for gRPC", "choose a free HOST:PORT with --ice-grpc-listen");
  }
  [[nodiscard]] std::string address() const { return host_ + ":" + std::to_string(port_); }

 private:
  const std::string host_;
  std::shared_ptr<Desk> desk_;
  const Home home_;
  IceService service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

Result<std::unique_ptr<IceGrpc>> IceGrpc::listen(const Options& options, Core core) {
  if (options.tls) {
    if (auto usable = check(*options.tls); !usable) return fail(usable.error());
  }
  auto impl = std::make_unique<Impl>(options.address.substr(0, options.address.rfind(':')), std::move(core));
  if (auto listening = impl->listen(options); !listening) return fail(listening.error());
  return std::unique_ptr<IceGrpc>(new IceGrpc(std::move(impl)));
}

IceGrpc::IceGrpc(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

IceGrpc::~IceGrpc() = default;

std::string IceGrpc::address() const {
  return impl_->address();
}

}  // namespace turnkeeper::monitor
