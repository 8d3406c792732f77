#include "monitor/target/operator_link.hpp"

#include <google/protobuf/util/time_util.h>
#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "monitor/target/fleet_proto.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/random.hpp"
#include "turnkeeper/v1/health.grpc.pb.h"
#include "turnkeeper/v1/targets.grpc.pb.h"

namespace turnkeeper::monitor {
namespace {

using SteadyClock = std::chrono::steady_clock;

google::protobuf::Timestamp timestamp(SystemTime time) {
  return google::protobuf::util::TimeUtil::NanosecondsToTimestamp(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

void add_facts(const RelayFacts& facts, v1::RelayHealth& to) {
  for (const auto& [key, proof] : facts.keys) {
    auto& to_proof = *to.add_keys();
    to_proof.set_key(key);
    to_proof.set_accepted(proof.accepted);
    *to_proof.mutable_at() = timestamp(proof.at);
  }
  if (facts.certificate) {
    to.mutable_certificate()->set_serial(facts.certificate->serial);
    *to.mutable_certificate()->mutable_not_after() = timestamp(facts.certificate->not_after);
  }
  if (!facts.agent) return;
  const auto& agent = *facts.agent;
  auto& to_agent = *to.mutable_agent();
  if (agent.sessions) to_agent.set_sessions(*agent.sessions);
  if (agent.sent_bytes) to_agent.set_sent_bytes(*agent.sent_bytes);
  if (agent.received_bytes) to_agent.set_received_bytes(*agent.received_bytes);
  if (agent.bits_per_second) to_agent.set_bits_per_second(*agent.bits_per_second);
  for (const auto& key : agent.keys) to_agent.add_keys(key);
  to_agent.set_config_hash(agent.config_hash);
  to_agent.set_version(agent.version);
  to_agent.set_draining(agent.draining);
  to_agent.set_starts(agent.starts);
  to_agent.set_certificate_serial(agent.certificate_serial);
}

bool differ_in_numbers_only(const FleetReport& a, const FleetReport& b) {
  return a.providers == b.providers && a.orders == b.orders &&
         std::ranges::equal(a.relays, b.relays, [](const RelayHealth& one, const RelayHealth& other) {
           return one.id == other.id && one.verdict == other.verdict && one.cause == other.cause &&
                  one.since == other.since && without_numbers(one.facts) == without_numbers(other.facts);
         });
}

v1::HealthReport message_of(const std::string& vantage, const FleetReport& from) {
  v1::HealthReport report;
  report.set_vantage(vantage);
  for (const auto& provider : from.providers) {
    auto& to = *report.add_providers();
    to.set_cluster(provider.cluster);
    to.set_provider(provider.name);
    to.set_verdict(std::string(api::verdict_name(provider.verdict)));
    to.set_cause(std::string(api::cause_name(provider.cause)));
    to.set_trouble(provider.trouble);
  }
  for (const auto& order : from.orders) {
    auto& to = *report.add_orders();
    to.set_cluster(order.cluster);
    to.set_region(order.region);
    for (const auto& region : order.nearest) to.add_nearest(region);
  }
  for (const auto& relay : from.relays) {
    auto& to = *report.add_relays();
    to.set_cluster(relay.id.cluster);
    to.set_region(relay.id.region);
    to.set_relay(relay.id.relay);
    to.set_verdict(std::string(api::verdict_name(relay.verdict)));
    to.set_cause(std::string(api::cause_name(relay.cause)));
    *to.mutable_since() = timestamp(relay.since);
    add_facts(relay.facts, to);
  }
  return report;
}

}  // namespace

// gRPC may run a reaction on the thread that starts an operation, so no operation is started with the mutex held.
class OperatorLink::Impl {
 public:
  Impl(Options options, OnFleet on_fleet)
      : options_(std::move(options)), on_fleet_(std::move(on_fleet)), backoff_(options_.first_backoff) {}

  void connect();
  // Returns when nothing calls back any more.
  void stop();
  void report(FleetReport report);
  [[nodiscard]] bool connected() const {
    const std::lock_guard lock(mutex_);
    return connected_;
  }

 private:
  class Session;

  // The caller holds the mutex that guards `slot`. Alarms never call back on the thread that sets or cancels them.
  void set_alarm(std::unique_ptr<grpc::Alarm>& slot, std::chrono::milliseconds wait, std::function<void()> then);
  void retry(const std::string& why);
  [[nodiscard]] v1::HealthReport current_report() const {
    const std::lock_guard lock(mutex_);
    return message_of(options_.vantage, report_);
  }
  void session_over(const std::shared_ptr<Session>& session, const grpc::Status& status);
  void received(const v1::TargetSet& targets);
  void finished_one();

  const Options options_;
  const OnFleet on_fleet_;

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  bool stopping_ = false;
  bool connected_ = false;
  bool complained_ = false;       // since the last connection: one line for each time that the operator goes away
  std::atomic<int> pending_ = 0;  // sessions and alarms that will still call back
  std::chrono::milliseconds backoff_;
  std::shared_ptr<Session> session_;
  // gRPC's last channel must not go on a thread of gRPC, which would join itself: the newest one stays until the end.
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<grpc::Alarm> next_connect_;
  FleetReport report_;
  bool has_report_ = false;
};

// One connection: both streams, ended together.
class OperatorLink::Impl::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Impl& link, const std::shared_ptr<grpc::Channel>& channel)
      : link_(link), targets_(v1::Targets::NewStub(channel)), health_(v1::Health::NewStub(channel)) {}

  void start() {
    self_ = shared_from_this();
    request_.set_vantage(link_.options_.vantage);
    request_.set_cluster(link_.options_.cluster);
    targets_->async()->Watch(&watch_.context, &request_, &watch_);
    health_->async()->Report(&report_.context, &ack_, &report_);
    report_.AddHold();  // writes start outside its reactions
    watch_.StartRead(&watch_.message);
    watch_.StartCall();
    report_.StartCall();
  }

  // Idempotent.
  void end() {
    bool release = false;
    {
      const std::lock_guard lock(mutex_);
      if (ending_) return;
      ending_ = true;
      release = !writing_;
      if (next_tick_) next_tick_->Cancel();
    }
    watch_.context.TryCancel();
    report_.context.TryCancel();
    if (release) report_.RemoveHold();
  }

  void tick() {
    if (link_.connected()) write_if_due();
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    // Weak: an alarm keeps its callback, and the session keeps the alarm.
    link_.set_alarm(next_tick_, link_.options_.shortest_report, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->tick();
    });
  }

  void changed(bool only_numbers) {
    const std::lock_guard lock(mutex_);
    (only_numbers ? numbers_changed_ : changed_) = true;
  }

  void write_if_due() {
    {
      const std::lock_guard lock(mutex_);
      const auto age = SteadyClock::now() - written_at_;
      const auto& options = link_.options_;
      const auto due = changed_           ? options.shortest_report
                       : numbers_changed_ ? options.numbers_report
                                          : options.longest_report;
      if (ending_ || writing_ || age < due) return;
      writing_ = true;
      changed_ = numbers_changed_ = false;
      written_at_ = SteadyClock::now();
      report_.message = link_.current_report();
    }
    report_.StartWrite(&report_.message);
  }

 private:
  struct Watch : grpc::ClientReadReactor<v1::TargetSet> {
    explicit Watch(Session& s) : session(s) {}
    void OnReadDone(bool ok) override {
      if (!ok) return session.end();
      session.link_.received(message);
      StartRead(&message);
    }
    void OnDone(const grpc::Status& status) override { session.stream_done(status); }
    Session& session;
    grpc::ClientContext context;
    v1::TargetSet message;
  };
  struct Report : grpc::ClientWriteReactor<v1::HealthReport> {
    explicit Report(Session& s) : session(s) {}
    void OnWriteDone(bool ok) override { session.write_done(ok); }
    void OnDone(const grpc::Status& status) override { session.stream_done(status); }
    Session& session;
    grpc::ClientContext context;
    v1::HealthReport message;
  };

  void write_done(bool ok) {
    bool release = false;
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      release = ending_;
    }
    if (release) {
      report_.RemoveHold();
    } else if (!ok) {
      end();
    }
  }

  void stream_done(const grpc::Status& status) {
    end();
    {
      const std::lock_guard lock(mutex_);
      // The first failure is the reason; what follows is our own cancelling.
      if (status_.ok() && status.error_code() != grpc::StatusCode::CANCELLED) status_ = status;
      if (--live_ > 0) return;
    }
    auto self = std::move(self_);
    Impl& link = link_;
    link.session_over(self, grpc::Status(status_));
    self.reset();
    link.finished_one();  // when nothing of the session is left
  }

  Impl& link_;
  std::unique_ptr<v1::Targets::Stub> targets_;
  std::unique_ptr<v1::Health::Stub> health_;
  v1::WatchTargetsRequest request_;
  v1::HealthAck ack_;
  Watch watch_{*this};
  Report report_{*this};
  std::shared_ptr<Session> self_;  // until both streams are done

  mutable std::mutex mutex_;
  int live_ = 2;
  bool ending_ = false;
  bool writing_ = false;
  bool changed_ = true;
  bool numbers_changed_ = false;
  SteadyClock::time_point written_at_;
  std::unique_ptr<grpc::Alarm> next_tick_;
  grpc::Status status_;
};

void OperatorLink::Impl::connect() {
  auto with = mutual_tls_channel(options_.tls);
  if (!with) return retry(with.error().text());
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(options_.keepalive.count()));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  // gRPC's own reconnecting would go on with the old certificate and knows no jitter of ours.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  auto channel = grpc::CreateCustomChannel(options_.address, std::move(*with), arguments);
  auto session = std::make_shared<Session>(*this, channel);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    ++pending_;
  }
  session->start();
  bool stopped = false;
  {
    const std::lock_guard lock(mutex_);
    session_ = session;
    channel_.swap(channel);
    stopped = stopping_;
  }
  stopped ? session->end() : session->tick();
}

void OperatorLink::Impl::report(FleetReport report) {
  std::shared_ptr<Session> session;
  bool only_numbers = false;
  {
    const std::lock_guard lock(mutex_);
    if (has_report_ && report == report_) return;
    only_numbers = has_report_ && differ_in_numbers_only(report, report_);
    report_ = std::move(report);
    has_report_ = true;
    if (!connected_ || stopping_) return;
    session = session_;
  }
  if (!session) return;  // just being made: its first report has this
  session->changed(only_numbers);
  session->write_if_due();
}

void OperatorLink::Impl::received(const v1::TargetSet& targets) {
  auto fleet = fleet_from_proto(targets);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    if (!connected_) log::info("connected to the operator", {{"address", options_.address}});
    connected_ = true;
    complained_ = false;
    backoff_ = options_.first_backoff;
  }
  if (!fleet) {
    log::warn("targets refused", {{"error", fleet.error().text()}});
    return;
  }
  on_fleet_(std::move(*fleet));
}

void OperatorLink::Impl::session_over(const std::shared_ptr<Session>& session, const grpc::Status& status) {
  {
    const std::lock_guard lock(mutex_);
    if (session_ == session) session_.reset();
    connected_ = false;
  }
  retry(status.error_message().empty() ? "the operator closed the stream" : status.error_message());
}

void OperatorLink::Impl::retry(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(backoff_ * (0.5 + 0.5 * random_unit()));
  backoff_ = std::min(2 * backoff_, options_.longest_backoff);
  if (!complained_) {
    log::warn("no connection to the operator; going on with the targets known",
              {{"address", options_.address}, {"error", why}});
  }
  complained_ = true;
  set_alarm(next_connect_, wait, [this] { connect(); });
}

void OperatorLink::Impl::set_alarm(std::unique_ptr<grpc::Alarm>& slot, std::chrono::milliseconds wait,
                                   std::function<void()> then) {
  ++pending_;
  // A new one each time: setting an alarm anew from its own callback would destroy the callback while it runs.
  slot = std::make_unique<grpc::Alarm>();
  slot->Set(std::chrono::system_clock::now() + wait, [this, then = std::move(then)](bool ok) {
    if (ok) then();
    finished_one();
  });
}

void OperatorLink::Impl::finished_one() {
  const std::lock_guard lock(mutex_);
  --pending_;
  idle_.notify_all();
}

void OperatorLink::Impl::stop() {
  std::shared_ptr<Session> session;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    session = session_;
    if (next_connect_) next_connect_->Cancel();
  }
  if (session) session->end();
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return pending_ == 0; });
}

OperatorLink::OperatorLink(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<OperatorLink>> OperatorLink::start(Options options, OnFleet on_fleet) {
  if (auto readable = mutual_tls_channel(options.tls); !readable) {
    return fail(readable.error().within("TLS towards the operator"));
  }
  auto impl = std::make_unique<Impl>(std::move(options), std::move(on_fleet));
  impl->connect();
  return std::unique_ptr<OperatorLink>(new OperatorLink(std::move(impl)));
}

OperatorLink::~OperatorLink() {
  impl_->stop();
}

void OperatorLink::report(FleetReport report) {
  impl_->report(std::move(report));
}

bool OperatorLink::connected() const {
  return impl_->connected();
}

}  // namespace turnkeeper::monitor
