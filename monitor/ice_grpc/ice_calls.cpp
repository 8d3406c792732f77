#include "monitor/ice_grpc/ice_calls.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <mutex>
#include <set>

#include "monitor/ice_grpc/ice_proto.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/rpc/newest_stream.hpp"
#include "turnkeeper/v1/ice.grpc.pb.h"

namespace turnkeeper::monitor {
namespace {

constexpr int most_ends = 100;

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

}  // namespace

// Of a call that is under way. Kept by gRPC until it is done, and by what was posted for it.
class IceCalls::Call {
 public:
  virtual ~Call() = default;
  virtual void end(const grpc::Status& status) = 0;
};

class IceCalls::OpenCalls {
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
struct IceCalls::Desk {
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
struct IceCalls::Home {
  boost::asio::any_io_executor executor;
  std::weak_ptr<Desk> desk;
  std::shared_ptr<OpenCalls> open;
};

class IceCalls::GetCall final : public grpc::ServerUnaryReactor,
                                public Call,
                                public std::enable_shared_from_this<GetCall> {
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

class IceCalls::WatchCall final : public NewestStream<v1::IceConfig>,
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
  void end(const grpc::Status& status) override { finish(status); }
  void OnDone() override {
    home_.open->remove(*this);
    boost::asio::post(home_.executor, [self = std::move(self_)] {
      self->stay_.reset();
      const auto desk = self->home_.desk.lock();
      if (!desk || !self->subscription_) return;
      desk->core.hub.unsubscribe(*self->subscription_);
      desk->watches.erase(*self->subscription_);
    });
  }

 private:
  void subscribe(Desk& desk) {
    auto& core = desk.core;
    auto caller = core.gate.admit(presented_);
    if (!caller) return refuse(caller.error());
    auto request = ice_request(request_.cluster(), request_.session(), request_.end());
    if (const auto settled = settle_user(*caller, request); !settled.ok()) return end(settled);
    // The hub and the streams let go of it after OnDone(), or with the desk: until then both are there.
    stay_ = core.streams.add(std::move(*caller), [this] {
      end({grpc::StatusCode::UNAUTHENTICATED, "this API key or token is not accepted any more; call with another one"});
    });
    const auto send = [this, &core](const Push& push) {
      if (!stay_->good()) return;  // its end comes within a second
      core.pushed(stay_->caller(), push);
      offer(std::make_shared<const v1::IceConfig>(to_proto(push)));
    };
    const auto subscription = core.hub.subscribe(std::move(request), std::to_string(request_.last_id()), send);
    if (!subscription) return end(status_of(subscription.error()));
    subscription_ = *subscription;
    desk.watches.insert(*subscription);
  }
  void refuse(const Refusal& refusal) {
    finish([&] { return status_of(refusal, context_); });
  }

  const Home home_;
  grpc::CallbackServerContext& context_;  // gone once it is done
  const Presented presented_;
  const v1::WatchIceRequest request_;
  std::optional<PushHub::Subscription> subscription_;  // this and the next of the executor's thread alone
  std::shared_ptr<AdmittedStreams::Stay> stay_;
  std::shared_ptr<WatchCall> self_;
};

class IceCalls::Service final : public v1::Ice::CallbackService {
 public:
  explicit Service(Home home) : home_(std::move(home)) {}

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

IceCalls::IceCalls(IceGrpc::Core core)
    : desk_(std::make_shared<Desk>(std::move(core))), open_(std::make_shared<OpenCalls>()) {
  service_ = std::make_unique<Service>(Home{desk_->core.executor, desk_, open_});
}

IceCalls::~IceCalls() = default;

void IceCalls::end_all() {
  desk_.reset();
  open_->end_all();
}

}  // namespace turnkeeper::monitor
