#include "monitor/service/service.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "monitor/history/history_file.hpp"
#include "monitor/notify/notifier.hpp"
#include "monitor/provider/providers.hpp"
#include "monitor/service/announcer.hpp"
#include "monitor/service/client_side.hpp"
#include "monitor/service/other_monitors.hpp"
#include "monitor/service/probe_api.hpp"
#include "monitor/service/status_api.hpp"
#include "monitor/shape/turn_rest.hpp"
#include "monitor/sight/sight.hpp"
#include "monitor/web/status_page.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/http/server.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr auto tick_interval = std::chrono::seconds(1);
constexpr int ticks_until_remembered = 5;  // in the history
constexpr int ticks_until_saved = 60;
constexpr int ticks_until_numbers = 5;  // of sessions and bytes go to the operator
constexpr auto report_delay = std::chrono::milliseconds(50);
constexpr auto longest_stop = std::chrono::seconds(2);

}  // namespace

class Service::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(boost::asio::io_context& io, Options options, const Clock& clock)
      : io_(io),
        clock_(clock),
        options_(std::move(options)),
        sight_(clock),
        health_(options_.vantage, clock),
        metrics_(options_.vantage, clock),
        history_(clock),
        notifier_({.vantage = options_.vantage, .status_url = options_.status_url}, clock),
        announcer_(clock, metrics_, history_, notifier_),
        others_(io.get_executor(), health_, clock, [this] { settle(); }),
        clients_(io.get_executor(),
                 {.vantage = options_.vantage,
                  .listen = options_.listen,
                  .access = options_.access,
                  .audit = options_.audit,
                  .region_header = options_.region_header,
                  .ice_grpc = options_.ice_grpc},
                 {[this]() -> const Fleet& { return health_.fleet(); },
                  [this](const RelayId& id) { return health_.verdict(id); },
                  [this](const RelayId& id, const turn::Uri& uri) { return proofs_.of(id, uri); }},
                 metrics_, clock),
        status_api_(io.get_executor(), [this] { return status(); },
                    {[this]() -> const Fleet& { return health_.fleet(); }, &history_,
                     [this] { return settings_.uptime_target; }, &clock}),
        probe_api_(io.get_executor(), health_, clients_.gate(),
                   {.vantage = options_.vantage, .modules = {}, .resolver = {}}, clock),
        watch_(io.get_executor(), clock, options_.vantage, {health_, metrics_, history_, proofs_},
               {.on_observed = [this] { settle(); },
                .on_probed = [this](bool proofs_changed) { probed(proofs_changed); },
                .on_facts = [this] { settle(); },
                .our_lag = [this] { return others_.our_lag(); }}),
        providers_(std::make_unique<Providers>(io.get_executor(), clock, [this] { providers_changed(); })),
        judge_timer_(io),
        report_timer_(io),
        tick_timer_(io),
        stop_timer_(io) {
    health_.set_sight([this] { return others_.heard(sight_.look()); });
  }

  Result<void> start() {
    if (!options_.state_file.empty()) {
      auto file = HistoryFile::open(options_.state_file, history_);
      if (!file) return fail(file.error());
      history_file_ = std::move(*file);
    }
    if (auto read = clients_.read_keys(); !read) return fail(read.error());
    if (auto listening = listen(); !listening) return fail(listening.error());
    if (options_.exchange) {
      auto exchange = *options_.exchange;
      exchange.vantage = options_.vantage;
      if (auto joined = others_.join(std::move(exchange)); !joined) return fail(joined.error());
      health_.listen_first();
    }
    // After the mesh: gRPC's health and reflection services go into every server made from now on.
    if (auto serving = clients_.serve_grpc(); !serving) return fail(serving.error());
    tick_later();
    return {};
  }

  // After that nothing calls back into this object.
  void shut() {
    stopping_ = true;
    judge_timer_.cancel();
    report_timer_.cancel();
    tick_timer_.cancel();
    stop_timer_.cancel();
    watch_.drop();
    providers_.reset();
    others_.leave();
    clients_.stop();
    server_.reset();
    on_change_ = {};
    on_health_ = {};
  }

  void set_fleet(Fleet fleet) {
    if (stopping_) return;
    told_ = std::move(fleet);
    providers_->set(told_);
    providers_changed();
  }

  void providers_changed() {
    if (stopping_) return;
    metrics_.set_providers(providers_->status());
    watch_fleet(providers_->complete(told_));
    report_soon();
  }

  // The whole fleet, providers' relays among it.
  void watch_fleet(Fleet fleet) {
    remember_removed_keys(health_.fleet(), fleet);
    remember_nearest(health_.fleet(), fleet);
    if (has_fleet_ && fleet == health_.fleet()) return;
    health_.set_fleet(std::move(fleet));
    metrics_.set_fleet(health_.fleet());
    clients_.set_fleet(health_.fleet());
    history_.set_fleet(health_.fleet());
    proofs_.keep_only(health_.fleet());
    has_fleet_ = true;
    watch_.set(health_.fleet(), settings_.probing);
    others_.keep_only(health_.fleet());
    log::info("watching", {{"clusters", health_.fleet().clusters.size()}, {"relays", watch_.size()}});
    settle(true);
  }

  void set_settings(Settings settings) {
    if (stopping_) return;
    const bool probe_otherwise = settings.probing != settings_.probing;
    settings_ = std::move(settings);
    notifier_.set_receivers(settings_.receivers);
    probe_api_.set_modules(settings_.modules);
    clients_.set_region_header(settings_.region_header);
    if (probe_otherwise && has_fleet_) watch_.set(health_.fleet(), settings_.probing);
  }

  void read_keys_again() { clients_.read_keys_again(); }
  void config_loaded(bool good) { metrics_.config_loaded(good); }
  void show_operator(std::function<bool()> connected) { operator_connected_ = std::move(connected); }

  void stop(std::function<void()> done) {
    stopping_ = true;
    judge_timer_.cancel();
    report_timer_.cancel();
    tick_timer_.cancel();
    server_->stop();
    clients_.stop();
    others_.leave();
    providers_->set({});
    save();
    on_stopped_ = std::move(done);
    watch_.stop([self = shared_from_this()] { self->stopped(); });
    stop_timer_.expires_after(longest_stop);
    stop_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->stopped();
    });
  }

  boost::asio::io_context::executor_type executor() { return io_.get_executor(); }
  const http::Server& server() const { return *server_; }
  std::string ice_grpc_address() const { return clients_.grpc_address(); }
  std::string exchange_address() const { return others_.address(); }
  Status status() const {
    auto status = health_.status();
    status.calls = clients_.last_day();
    return status;
  }
  IceResult<IceConfig> ice_config(const IceRequest& request) const { return clients_.make_config(request); }
  void on_change(std::function<void(const Status&)> listener) { on_change_ = std::move(listener); }
  void on_health(std::function<void(FleetReport)> listener) {
    on_health_ = std::move(listener);
    report();
  }

 private:
  Result<void> listen() {
    http::Router router;
    clients_.add_routes(router);
    router.get("/", [this](const http::Request& request) {
      return is_turn_rest(request) ? clients_.turn_rest(request) : status_page();
    });
    status_api_.add_routes(router);
    clients_.allow_origins(router);  // what pages use
    probe_api_.add_routes(router);
    if (options_.more_routes) options_.more_routes(router);
    router.get("/metrics", [this](const http::Request& request) {
      const auto format = exposition_format(request.header("accept"));
      auto response = http::Response::text(metrics_.exposition(format));
      response.content_type = exposition_content_type(format);
      return response;
    });
    router.get("/healthz", [](const http::Request&) { return http::Response::text("ok\n"); });
    router.get("/readyz", [this](const http::Request&) {
      return ready() ? http::Response::text("ok\n") : http::Response::text("not every relay was looked at yet\n", 503);
    });
    auto server = http::Server::listen(io_, options_.listen, std::move(router), options_.limits, options_.tls);
    if (!server) return fail(server.error());
    server_ = std::move(*server);
    return {};
  }

  void probed(bool proofs_changed) {
    settle(proofs_changed);
    if (on_change_ && !proofs_changed) on_change_(health_.status());
  }

  // Carries what has changed to everybody whom it concerns. Constant time when nothing has.
  void settle(bool lists_changed = false) {
    if (stopping_) return;
    const auto changes = health_.take_changes();
    const bool judged = !changes.verdicts.empty() || !changes.failovers.empty() || changes.backups;
    // Clients first: each millisecond here is a millisecond of silence in a call.
    if (judged || lists_changed) {
      std::vector<PushRounds::Death> deaths;
      for (const auto& change : changes.verdicts) {
        if (change.first_miss) deaths.push_back({change.id.cluster, change.id.region, *change.first_miss});
      }
      clients_.lists_changed(std::move(deaths));
    }
    others_.publish(changes.own);
    announcer_.announce(changes);
    for (const auto& id : changes.recheck) watch_.recheck(id);
    wait_to_judge();
    if (changes.facts) report_soon();
    if (!judged && !lists_changed) return;
    show_serving();
    if (changes.backups) show_distances();
    report();
    if (on_change_) on_change_(health_.status());
  }

  void report() {
    if (!on_health_) return;
    on_health_({health_.relay_health(), health_.provider_health(providers_->status()), health_.region_orders()});
  }

  // What becomes known of many relays at the same time is reported together.
  void report_soon() {
    if (!on_health_ || std::exchange(report_waiting_, true)) return;
    report_timer_.expires_after(report_delay);
    report_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (error || !self || self->stopping_) return;
      self->report_waiting_ = false;
      self->report();
    });
  }

  void show_serving() {
    for (const auto& cluster : health_.fleet().clusters) {
      for (const auto& region : cluster.regions) {
        if (region.external) continue;  // nobody's clients are at home there
        metrics_.served(cluster.name, region.name, health_.served_by(cluster.name, region.name),
                        health_.failover_cause(cluster.name, region.name));
      }
    }
  }

  // Each echo moves the time at which its relay's news go stale; the timer is set anew only when it would be late.
  void wait_to_judge() {
    const auto at = health_.next_time();
    if (!at || (judge_waiting_ && judge_timer_.expiry() <= *at)) return;
    judge_waiting_ = true;
    judge_timer_.expires_at(*at);
    judge_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (error || !self || self->stopping_) return;
      self->judge_waiting_ = false;
      self->health_.on_time();
      self->settle();
    });
  }

  void tick_later() {
    tick_timer_.expires_after(tick_interval);
    tick_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (error || !self || self->stopping_) return;
      self->tick();
      self->tick_later();
    });
  }

  void tick() {
    ++ticks_;
    others_.on_time(metrics_);
    if (operator_connected_) metrics_.set_operator_connected(operator_connected_());
    for (const auto& receiver : notifier_.counts()) {
      metrics_.set_notifications(receiver.receiver, receiver.sent, receiver.failed, receiver.dropped, receiver.held);
    }
    show_incidents();
    if (ticks_ % ticks_until_numbers == 0) show_distances();
    metrics_.on_time();
    if (ticks_ % ticks_until_numbers == 0) report_soon();
    clients_.on_time();
    if (ticks_ % ticks_until_remembered == 0) history_.on_time();
    if (ticks_ % ticks_until_saved == 0) save();
  }

  void show_distances() {
    for (const auto& [cluster, regions] : health_.distances()) {
      for (const auto& [region, distances] : regions) {
        std::map<std::string, std::chrono::nanoseconds> round_trips;
        for (const auto& [to, distance] : distances) round_trips.emplace(to, distance.round_trip);
        metrics_.set_distances(cluster, region, std::move(round_trips));
      }
    }
  }

  void show_incidents() {
    const auto open = health_.open_incidents();
    for (const auto& cluster : health_.fleet().clusters) {
      for (const auto scope : {Incident::Scope::relay, Incident::Scope::region, Incident::Scope::cluster}) {
        const auto count = std::ranges::count_if(open, [&](const Incident& incident) {
          return incident.cluster == cluster.name && incident.scope == scope;
        });
        metrics_.set_incidents(cluster.name, scope_name(scope), static_cast<std::size_t>(count));
      }
    }
  }

  void save() {
    if (history_file_) history_file_->write(history_.save());
  }

  // Once every relay of ours has had its first verdict, or, without any, each provider its chance; for good.
  bool ready() {
    if (ready_ || !has_fleet_) return ready_;
    const auto health = health_.relay_health();
    ready_ = std::ranges::none_of(health, [](const auto& relay) { return relay.verdict == api::Verdict::unknown; });
    if (health.empty()) ready_ = providers_->asked_all();
    return ready_;
  }

  void stopped() {
    stop_timer_.cancel();
    if (auto done = std::exchange(on_stopped_, {})) done();
  }

  boost::asio::io_context& io_;
  const Clock& clock_;
  const Options options_;
  Settings settings_;
  Sight sight_;
  FleetHealth health_;
  Metrics metrics_;
  History history_;
  Proofs proofs_;
  Notifier notifier_;
  Announcer announcer_;
  OtherMonitors others_;
  ClientSide clients_;
  StatusApi status_api_;
  ProbeApi probe_api_;
  FleetWatch watch_;
  Fleet told_;  // without its providers' relays
  std::unique_ptr<Providers> providers_;
  std::unique_ptr<HistoryFile> history_file_;
  std::function<bool()> operator_connected_;
  boost::asio::steady_timer judge_timer_;
  boost::asio::steady_timer report_timer_;
  boost::asio::steady_timer tick_timer_;
  boost::asio::steady_timer stop_timer_;
  std::uint64_t ticks_ = 0;
  bool judge_waiting_ = false;
  bool report_waiting_ = false;
  bool has_fleet_ = false;
  bool ready_ = false;
  bool stopping_ = false;
  std::function<void()> on_stopped_;
  std::function<void(const Status&)> on_change_;
  std::function<void(FleetReport)> on_health_;
  std::unique_ptr<http::Server> server_;  // last: its handlers use the rest
};

Service::Service(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Service>> Service::start(boost::asio::io_context& io, Options options, const Clock& clock) {
  auto impl = std::make_shared<Impl>(io, std::move(options), clock);
  if (auto started = impl->start(); !started) return fail(started.error());
  return std::unique_ptr<Service>(new Service(std::move(impl)));
}

Service::~Service() {
  impl_->shut();
}

void Service::set_fleet(Fleet fleet) {
  boost::asio::post(impl_->executor(), [weak = std::weak_ptr(impl_), fleet = std::move(fleet)]() mutable {
    if (const auto impl = weak.lock()) impl->set_fleet(std::move(fleet));
  });
}

void Service::set_settings(Settings settings) {
  boost::asio::post(impl_->executor(), [weak = std::weak_ptr(impl_), settings = std::move(settings)]() mutable {
    if (const auto impl = weak.lock()) impl->set_settings(std::move(settings));
  });
}

void Service::read_keys_again() {
  boost::asio::post(impl_->executor(), [weak = std::weak_ptr(impl_)] {
    if (const auto impl = weak.lock()) impl->read_keys_again();
  });
}

void Service::config_loaded(bool good) {
  impl_->config_loaded(good);
}

void Service::show_operator(std::function<bool()> connected) {
  impl_->show_operator(std::move(connected));
}

std::string Service::address() const {
  return impl_->server().address();
}

std::string Service::ice_grpc_address() const {
  return impl_->ice_grpc_address();
}

std::string Service::exchange_address() const {
  return impl_->exchange_address();
}

Status Service::status() const {
  return impl_->status();
}

IceResult<IceConfig> Service::ice_config(const IceRequest& request) const {
  return impl_->ice_config(request);
}

void Service::on_change(std::function<void(const Status&)> listener) {
  impl_->on_change(std::move(listener));
}

void Service::on_health(std::function<void(FleetReport)> listener) {
  impl_->on_health(std::move(listener));
}

void Service::stop(std::function<void()> done) {
  impl_->stop(std::move(done));
}

}  // namespace turnkeeper::monitor
