#include "operator/link/grpc_server.hpp"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <mutex>
#include <set>
#include <utility>

#include "turnkeeper/api/vantage_identity.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/rpc/grpc_log.hpp"
#include "turnkeeper/rpc/newest_stream.hpp"
#include "turnkeeper/rpc/refused_call.hpp"
#include "turnkeeper/v1/health.grpc.pb.h"
#include "turnkeeper/v1/targets.grpc.pb.h"

namespace turnkeeper::op {
namespace {

// A report names each relay once; 4 MiB are tens of thousands of them.
constexpr int longest_message = 4 << 20;

std::optional<api::VantageIdentity> identity_of(const grpc::CallbackServerContext& context) {
  return api::vantage_identity(peer_names(*context.auth_context()));
}

class TargetStream final : public NewestStream<v1::TargetSet> {
 public:
  TargetStream(TargetBoard& board, std::string vantage, std::string cluster)
      : vantage_(std::move(vantage)), cluster_(std::move(cluster)) {
    log::info("monitor connected", {{"vantage", vantage_}});
    subscription_ = board.subscribe([this](TargetBoard::Set set) { tell(std::move(set)); });
  }

  void end() { finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "this operator stops; connect again")); }

  void OnDone() override {
    subscription_.reset();
    log::info("monitor disconnected", {{"vantage", vantage_}});
    on_gone();
    delete this;
  }

  std::function<void()> on_gone;

 private:
  // Under the board's lock.
  void tell(TargetBoard::Set set) {
    if (!cluster_.empty()) {
      set = only_cluster(*set);
      // What changed was of another cluster.
      if (told_ && told_->SerializeAsString() == set->SerializeAsString()) return;
      told_ = set;
    }
    offer(std::move(set));
  }
  [[nodiscard]] TargetBoard::Set only_cluster(const v1::TargetSet& all) const {
    auto set = std::make_shared<v1::TargetSet>();
    for (const auto& cluster : all.clusters()) {
      if (cluster.cluster() == cluster_) *set->add_clusters() = cluster;
    }
    return set;
  }

  const std::string vantage_;
  const std::string cluster_;  // the only one that it hears of; empty: all
  TargetBoard::Set told_;      // what it was told last of that one
  std::unique_ptr<TargetBoard::Subscription> subscription_;
};

class ReportStream final : public grpc::ServerReadReactor<v1::HealthReport> {
 public:
  ReportStream(HealthBoard& board, std::optional<api::VantageIdentity> identity)
      : board_(board), identity_(std::move(identity)) {
    StartRead(&report_);
  }

  void end() { finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "this operator stops; connect again")); }

  void OnReadDone(bool ok) override {
    if (!ok) return finish(grpc::Status::OK);
    if (report_.vantage().empty()) {
      return finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "a report needs the name of its vantage"));
    }
    if (identity_ && report_.vantage() != identity_->vantage) {
      return finish({grpc::StatusCode::PERMISSION_DENIED, "this certificate is of the vantage " + identity_->vantage +
                                                              " alone; give that name with --vantage"});
    }
    const bool on_its_own = board_.report(report_, identity_ ? identity_->cluster : std::string());
    if (!on_its_own && !std::exchange(complained_, true)) {
      log::warn("a vantage reports on other TurnClusters than its own, which is ignored",
                {{"vantage", identity_->vantage}});
    }
    StartRead(&report_);
  }
  void OnCancel() override { finish(grpc::Status::CANCELLED); }
  void OnDone() override {
    on_gone();
    delete this;
  }

  std::function<void()> on_gone;

 private:
  void finish(const grpc::Status& status) {
    std::lock_guard lock(mutex_);
    if (finished_) return;
    finished_ = true;
    Finish(status);
  }

  HealthBoard& board_;
  const std::optional<api::VantageIdentity> identity_;  // nothing: a monitor of all TurnClusters
  v1::HealthReport report_;
  bool complained_ = false;
  std::mutex mutex_;
  bool finished_ = false;
};

// The open streams of one kind, so that stopping can end them.
template <class Stream>
class OpenStreams {
 public:
  Stream* add(Stream* stream) {
    stream->on_gone = [this, stream] {
      std::lock_guard lock(mutex_);
      streams_.erase(stream);
    };
    std::lock_guard lock(mutex_);
    streams_.insert(stream);
    if (ending_) stream->end();
    return stream;
  }
  void end_all() {
    std::lock_guard lock(mutex_);
    ending_ = true;
    for (auto* stream : streams_) stream->end();
  }

 private:
  std::mutex mutex_;
  bool ending_ = false;
  std::set<Stream*> streams_;
};

class TargetsService final : public v1::Targets::CallbackService {
 public:
  explicit TargetsService(TargetBoard& board) : board_(board) {}
  grpc::ServerWriteReactor<v1::TargetSet>* Watch(grpc::CallbackServerContext* context,
                                                 const v1::WatchTargetsRequest* request) override {
    const auto identity = identity_of(*context);
    if (!identity) return streams.add(new TargetStream(board_, request->vantage(), request->cluster()));
    if (!identity->covers(request->cluster().empty() ? identity->cluster : request->cluster())) {
      log::warn("a vantage asks for another TurnCluster than its own, and is refused",
                {{"vantage", identity->vantage}, {"cluster", request->cluster()}});
      return new RefusedCall<grpc::ServerWriteReactor<v1::TargetSet>>(
          {grpc::StatusCode::PERMISSION_DENIED,
           "this certificate is for the TurnCluster " + identity->cluster + " alone; ask for that one with --cluster"});
    }
    return streams.add(new TargetStream(board_, identity->vantage, identity->cluster));
  }
  OpenStreams<TargetStream> streams;

 private:
  TargetBoard& board_;
};

class HealthService final : public v1::Health::CallbackService {
 public:
  explicit HealthService(HealthBoard& board) : board_(board) {}
  grpc::ServerReadReactor<v1::HealthReport>* Report(grpc::CallbackServerContext* context, v1::HealthAck*) override {
    return streams.add(new ReportStream(board_, identity_of(*context)));
  }
  OpenStreams<ReportStream> streams;

 private:
  HealthBoard& board_;
};

}  // namespace

class GrpcServer::Impl {
 public:
  Impl(TargetBoard& board, HealthBoard& health_board) : targets(board), health(health_board) {}
  TargetsService targets;
  HealthService health;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

Result<std::unique_ptr<GrpcServer>> GrpcServer::listen(const Options& options, TargetBoard& targets,
                                                       HealthBoard& health) {
  if (options.tls) {
    if (auto ok = check_mutual_tls(*options.tls); !ok) return fail(ok.error());
  }
  log_grpc();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  auto impl = std::make_unique<Impl>(targets, health);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.address, mutual_tls_server(options.tls), &impl->port);
  // Two operators on one port would each hear half of the monitors.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.SetMaxReceiveMessageSize(longest_message);
  builder.RegisterService(&impl->targets);
  builder.RegisterService(&impl->health);
  impl->server = builder.BuildAndStart();
  if (!impl->server || impl->port == 0) {
    return fail("cannot listen on " + options.address + " for gRPC", "choose a free HOST:PORT with --grpc-listen");
  }
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

GrpcServer::~GrpcServer() {
  impl_->targets.streams.end_all();
  impl_->health.streams.end_all();
  impl_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  impl_->server->Wait();
}

int GrpcServer::port() const {
  return impl_->port;
}

}  // namespace turnkeeper::op
