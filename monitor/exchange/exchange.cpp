#include "monitor/exchange/exchange.hpp"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "monitor/exchange/batch_proto.hpp"
#include "monitor/exchange/dialer.hpp"
#include "monitor/exchange/links.hpp"
#include "monitor/exchange/mesh_channel.hpp"
#include "monitor/exchange/outbox.hpp"
#include "monitor/exchange/roster.hpp"
#include "monitor/exchange/stream.hpp"
#include "turnkeeper/api/vantage_identity.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/random.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using Batch = v1::ObservationBatch;

constexpr auto tick = 100ms;
constexpr auto heartbeat = 400ms;  // a third of the silence that is doubted (monitor/verdict/lost_together.hpp)
constexpr auto expire_every = 1s;
constexpr auto longest_greeting = 5s;  // from the connection to the far end's hello
constexpr auto alive_within = 2s;      // an instance heard within has not been restarted

}  // namespace

class Exchange::Impl final : public StreamOwner, public std::enable_shared_from_this<Impl> {
 public:
  Impl(boost::asio::any_io_executor executor, Options options, Handlers handlers, const Clock& clock)
      : executor_(std::move(executor)),
        options_(std::move(options)),
        handlers_(std::move(handlers)),
        clock_(clock),
        instance_(hex_encode(random_bytes(8))),
        links_(instance_),
        timer_(executor_) {}

  Result<void> listen();
  void begin();
  void shut();

  void publish(const std::vector<SeenRelay>& seen);
  void keep_only(const std::vector<RelayId>& relays) {
    outbox_.keep_only(relays);
    links_.for_each([this](Link& link) { send_if_due(link); });
  }
  [[nodiscard]] std::string address() const;
  [[nodiscard]] std::vector<Exchange::Peer> peers() const;
  [[nodiscard]] std::optional<std::chrono::nanoseconds> clock_difference() const { return roster_.clock_difference(); }

  void accepted(const StreamPtr& stream) override { links_.add(stream, clock_.steady()); }
  void received(const StreamPtr& stream) override;
  void sent(const StreamPtr& stream) override;
  void closed(const StreamPtr& stream, const grpc::Status& status) override;

 private:
  void tick_later();
  void on_tick();
  [[nodiscard]] Result<void> dial(const std::string& address);

  [[nodiscard]] Batch new_batch() const;
  void say_hello(Batch& batch) const;
  // All that is seen and remembered, to a peer that has said who it is.
  void introduce_ourselves(Link& link);
  void send_if_due(Link& link);
  // No more than the far end may know.
  void send(Link& link, Batch batch);
  // Whether the link stays.
  bool greet(Link& link, const v1::Hello& hello);
  void refuse(Link& link, grpc::StatusCode code, const std::string& why, bool is_fault);
  void take(Link& link, const Batch& batch);
  void lose(const std::string& vantage, const std::string& why);

  const boost::asio::any_io_executor executor_;
  const Options options_;
  const Handlers handlers_;
  const Clock& clock_;
  const std::string instance_;
  std::string mesh_name_;
  Outbox outbox_;
  SteadyTime expired_;  // the last time that the outbox was gone through
  Links links_;
  Roster roster_;
  std::string refused_;  // the last refusal that was logged
  boost::asio::steady_timer timer_;
  std::shared_ptr<Dialer> dialer_;
  bool shut_ = false;

  const std::shared_ptr<OpenStreams> open_ = std::make_shared<OpenStreams>();
  std::unique_ptr<ExchangeService> service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

Result<void> Exchange::Impl::listen() {
  if (options_.vantage.empty()) return fail("the exchange needs the name of this vantage", "give it with --vantage");
  auto dialer = Dialer::make(executor_,
                             {.peers = options_.peers,
                              .peers_dns = options_.peers_dns,
                              .first_backoff = options_.first_backoff,
                              .longest_backoff = options_.longest_backoff,
                              .resolve_every = options_.resolve_every},
                             {.dial = [this](const std::string& address) { return dial(address); },
                              .is_connected = [this](const std::string& instance) { return links_.lead_to(instance); }},
                             clock_);
  if (!dialer) return fail(dialer.error());
  dialer_ = std::move(*dialer);
  if (options_.tls) {
    auto name = mesh_name(*options_.tls);
    if (!name) return fail(name.error());
    mesh_name_ = std::move(*name);
  }
  service_ = std::make_unique<ExchangeService>(Stream::Home{executor_, weak_from_this(), open_}, mesh_name_);
  server_ = mesh_server(options_.listen, options_.tls, *service_, options_.keepalive, port_);
  if (!server_ || port_ == 0) {
    return fail("cannot listen on " + options_.listen + " for other monitors",
                "choose a free HOST:PORT with --exchange-listen");
  }
  return {};
}

void Exchange::Impl::begin() {
  boost::asio::post(executor_, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && !self->shut_) self->on_tick();
  });
}

void Exchange::Impl::shut() {
  shut_ = true;
  timer_.cancel();
  dialer_->stop();
  service_->close();
  Batch goodbye = new_batch();
  goodbye.set_goodbye(true);
  links_.for_each([&](Link& link) {
    link.stream->await_sent(50ms);
    if (link.vantage.empty() || link.stream->is_sending()) {
      link.stream->end({grpc::StatusCode::UNAVAILABLE, "this monitor stops"});
    } else {
      link.stream->send_last(goodbye);
    }
  });
  open_->wait_until_empty(200ms);
  for (auto* stream : open_->all()) stream->cut();
  server_->Shutdown(std::chrono::system_clock::now() + 200ms);
  open_->wait_until_empty();
  links_.clear();
  server_->Wait();
}

void Exchange::Impl::tick_later() {
  timer_.expires_after(tick);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && !self->shut_) self->on_tick();
  });
}

void Exchange::Impl::on_tick() {
  const auto now = clock_.steady();
  dialer_->on_tick();
  links_.end_silent(now, longest_greeting);
  for (const auto& vantage : roster_.silent(now, options_.freshness)) lose(vantage, "silent");
  if (now - expired_ >= expire_every) {
    outbox_.expire(now);
    expired_ = now;
  }
  links_.for_each([&](Link& link) {
    if (outbox_.has_news(link.cursor) || now - link.last_sent >= heartbeat) send_if_due(link);
  });
  tick_later();
}

Result<void> Exchange::Impl::dial(const std::string& address) {
  const auto channel = mesh_channel(address, options_.tls, mesh_name_, options_.keepalive);
  if (!channel) return fail(channel.error());
  const auto stream = Stream::dial({executor_, weak_from_this(), open_}, *channel);
  links_.add(stream, clock_.steady(), address);
  // What is seen follows when the far end has answered: until there is a connection this one waits, and would grow old.
  auto batch = new_batch();
  say_hello(batch);
  stream->send(std::move(batch));
  return {};
}

Batch Exchange::Impl::new_batch() const {
  Batch batch;
  const auto sent = clock_.system().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(sent);
  batch.mutable_sent()->set_seconds(seconds.count());
  batch.mutable_sent()->set_nanos(
      static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(sent - seconds).count()));
  *batch.mutable_uptime() = duration_to_proto(clock_.steady().time_since_epoch());
  return batch;
}

void Exchange::Impl::say_hello(Batch& batch) const {
  auto& hello = *batch.mutable_hello();
  hello.set_instance(instance_);
  hello.set_vantage(options_.vantage);
  for (const auto& cluster : outbox_.clusters()) hello.add_clusters(cluster);
}

void Exchange::Impl::publish(const std::vector<SeenRelay>& seen) {
  outbox_.put(seen);
  links_.for_each([this](Link& link) {
    if (outbox_.has_news(link.cursor)) send_if_due(link);
  });
}

// The newest, or a heartbeat.
void Exchange::Impl::send_if_due(Link& link) {
  if (link.vantage.empty() || link.stream->is_sending() || link.stream->is_ending()) return;
  auto batch = new_batch();
  link.last_sent = clock_.steady();
  outbox_.take(link.cursor, link.last_sent, batch);
  send(link, std::move(batch));
}

void Exchange::Impl::send(Link& link, Batch batch) {
  if (link.identity) keep_only_cluster(link.identity->cluster, batch);
  link.stream->send(std::move(batch));
}

void Exchange::Impl::sent(const StreamPtr& stream) {
  auto* link = links_.find(stream);
  if (!link) return;
  if (link->owes_introduction) return introduce_ourselves(*link);
  if (outbox_.has_news(link->cursor)) send_if_due(*link);
}

void Exchange::Impl::received(const StreamPtr& stream) {
  auto* found = links_.find(stream);
  if (shut_ || !found) return;
  auto& link = *found;
  const auto& batch = stream->incoming();
  if (link.vantage.empty() && !greet(link, batch.hello())) return;
  if (batch.goodbye()) {
    stream->end(grpc::Status::OK);
    return lose(std::string(link.vantage), "it has stopped");
  }
  take(link, batch);
  stream->read_next();
}

bool Exchange::Impl::greet(Link& link, const v1::Hello& hello) {
  if (hello.instance() == instance_) {
    if (link.stream->is_dialled()) {
      dialer_->is_ourselves(link.address);
      link.stream->end(grpc::Status::CANCELLED);
    } else {
      auto batch = new_batch();  // by which the dialling end knows itself
      say_hello(batch);
      link.stream->send_last(std::move(batch));
    }
    return false;
  }
  if (hello.instance().empty() || hello.vantage().empty()) {
    refuse(link, grpc::StatusCode::INVALID_ARGUMENT, "no hello", false);
    return false;
  }
  link.identity = api::vantage_identity(link.stream->far_names());
  if (link.identity && link.identity->vantage != hello.vantage()) {
    refuse(link, grpc::StatusCode::PERMISSION_DENIED,
           "the certificate is of the vantage " + link.identity->vantage + " and not of " + hello.vantage() +
               "; give it that name with --vantage",
           true);
    return false;
  }
  const auto* known = roster_.find(hello.vantage());
  const bool is_taken = hello.vantage() == options_.vantage ||
                        (known && known->instance != hello.instance() && links_.lead_to(known->instance) &&
                         clock_.steady() - known->view.heard() < alive_within);
  if (is_taken) {
    refuse(link, grpc::StatusCode::ALREADY_EXISTS,
           "two monitors have the vantage name " + hello.vantage() + "; give each its own with --vantage", true);
    return false;
  }
  const bool is_new = !links_.lead_to(hello.instance());
  link.vantage = hello.vantage();
  link.instance = hello.instance();
  if (link.stream->is_dialled()) dialer_->answered(link.address, link.instance);
  if (roster_.admit(link.vantage, link.instance)) {
    links_.replace_others(link);
  }
  if (is_new) {
    log::info("connected to another monitor", {{"vantage", link.vantage}, {"address", link.stream->far_end()}});
    const auto ours = outbox_.clusters();
    if (!ours.empty() && !hello.clusters().empty() &&
        std::ranges::none_of(hello.clusters(), [&](const auto& cluster) { return ours.contains(cluster); })) {
      log::warn("another monitor watches other clusters: neither is of use to the other",
                {{"vantage", link.vantage}, {"cluster", hello.clusters(0)}});
    }
  }
  link.owes_introduction = true;
  if (!link.stream->is_sending()) introduce_ourselves(link);
  links_.keep_one(link);
  return true;
}

void Exchange::Impl::introduce_ourselves(Link& link) {
  link.owes_introduction = false;
  auto batch = new_batch();
  if (!link.stream->is_dialled()) say_hello(batch);
  link.last_sent = clock_.steady();
  outbox_.take(link.cursor, link.last_sent, batch);
  if (handlers_.memory) {
    for (const auto& memory : handlers_.memory()) to_proto(memory, link.last_sent, *batch.add_memories());
  }
  send(link, std::move(batch));
}

void Exchange::Impl::refuse(Link& link, grpc::StatusCode code, const std::string& why, bool is_fault) {
  if (is_fault && why != refused_) {
    log::error("another monitor is refused", {{"address", link.stream->far_end()}, {"reason", why}});
    refused_ = why;
  }
  link.stream->end({code, why});
}

void Exchange::Impl::take(Link& link, const Batch& batch) {
  Batch own;
  if (link.identity) {
    own = batch;
    if (keep_only_cluster(link.identity->cluster, own) && !std::exchange(link.complained, true)) {
      log::warn("a vantage speaks of other TurnClusters than its own, which is ignored", {{"vantage", link.vantage}});
    }
  }
  auto heard = roster_.take(link.vantage, link.instance, link.identity ? own : batch, clock_.steady(), clock_.system());
  if (!heard) return;
  const auto at = roster_.find(link.vantage)->view.heard();
  const auto vantage = link.vantage;  // the handlers may do away with the link
  if (!heard->memories.empty() && handlers_.on_memory) handlers_.on_memory(std::move(heard->memories));
  if (!heard->seen.empty() && handlers_.on_observations) handlers_.on_observations(std::move(heard->seen));
  if (handlers_.on_heard) handlers_.on_heard(vantage, at);
}

void Exchange::Impl::lose(const std::string& vantage, const std::string& why) {
  if (!roster_.find(vantage)) return;
  links_.end(vantage, {grpc::StatusCode::UNAVAILABLE, why});
  roster_.remove(vantage);
  log::warn("another monitor is gone", {{"vantage", vantage}, {"reason", why}});
  if (handlers_.on_vantage_gone) handlers_.on_vantage_gone(vantage);
}

void Exchange::Impl::closed(const StreamPtr& stream, const grpc::Status& status) {
  const auto link = links_.remove(stream);
  if (!link || shut_) return;
  if (stream->is_dialled()) dialer_->closed(link->address, status.ok() ? "it hung up" : status.error_message());
}

std::string Exchange::Impl::address() const {
  const auto colon = options_.listen.rfind(':');
  return options_.listen.substr(0, colon) + ":" + std::to_string(port_);
}

std::vector<Exchange::Peer> Exchange::Impl::peers() const {
  std::vector<Exchange::Peer> out;
  for (const auto& [vantage, peer] : roster_.entries()) {
    out.push_back({vantage, peer.view.heard(), links_.lead_to(peer.instance)});
  }
  return out;
}

Exchange::Exchange(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Exchange>> Exchange::start(boost::asio::any_io_executor executor, Options options,
                                                  Handlers handlers, const Clock& clock) {
  auto impl = std::make_shared<Impl>(std::move(executor), std::move(options), std::move(handlers), clock);
  if (auto ok = impl->listen(); !ok) return fail(ok.error());
  impl->begin();
  return std::unique_ptr<Exchange>(new Exchange(std::move(impl)));
}

Exchange::~Exchange() {
  impl_->shut();
}

void Exchange::publish(const std::vector<SeenRelay>& seen) {
  impl_->publish(seen);
}

void Exchange::keep_only(const std::vector<RelayId>& relays) {
  impl_->keep_only(relays);
}

std::string Exchange::address() const {
  return impl_->address();
}

std::vector<Exchange::Peer> Exchange::peers() const {
  return impl_->peers();
}

std::optional<std::chrono::nanoseconds> Exchange::clock_difference() const {
  return impl_->clock_difference();
}

}  // namespace turnkeeper::monitor
