#include "monitor/service/service.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>

#include "monitor/metrics/metrics.hpp"
#include "monitor/service/fleet_health.hpp"
#include "monitor/service/ice_api.hpp"
#include "monitor/service/probe_api.hpp"
#include "monitor/service/relay_credential.hpp"
#include "monitor/service/relay_watch.hpp"
#include "monitor/service/status_api.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/http/server.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr auto renewal_interval = std::chrono::seconds(5);
constexpr auto longest_stop = std::chrono::seconds(2);

void log_change(const VerdictChange& change) {
  if (change.from == change.to.verdict) return;
  const auto write = change.to.verdict == api::Verdict::unhealthy ? log::warn : log::info;
  write("verdict changed", {{"cluster", change.id.cluster},
                            {"region", change.id.region},
                            {"relay", change.id.relay},
                            {"verdict", api::verdict_name(change.to.verdict)},
                            {"was", api::verdict_name(change.from)},
                            {"cause", api::cause_name(change.to.cause)},
                            {"detail", change.to.detail}});
}

void log_failover(const Failover& failover) {
  const auto write = failover.is_return() ? log::info : log::warn;
  write(failover.is_return() ? "region serves its clients again" : "failover",
        {{"cluster", failover.cluster},
         {"region", failover.region},
         {"from", failover.from},
         {"to", failover.to},
         {"cause", api::cause_name(failover.cause)}});
}

// What makes a canary the same canary; credentials and draining may change under it.
struct WatchKey {
  std::string host;
  std::uint16_t port = 0;
  api::Probing probing;
  std::optional<StaticCredential> credential;
  bool operator==(const WatchKey&) const = default;
};

}  // namespace

class Service::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(boost::asio::io_context& io, Options options, const Clock& clock)
      : io_(io),
        clock_(clock),
        options_(std::move(options)),
        health_(options_.vantage, clock),
        metrics_(options_.vantage),
        ice_api_(health_, metrics_, Access(options_.api_key, options_.allow_anonymous || is_loopback(options_.listen)),
                 clock),
        status_api_(io.get_executor(), [this] { return health_.status(); }),
        probe_api_(io.get_executor(), health_, options_.vantage, clock),
        judge_timer_(io),
        renewal_timer_(io),
        stop_timer_(io) {}

  Result<void> listen() {
    http::Router router;
    ice_api_.add_routes(router);
    status_api_.add_routes(router);
    probe_api_.add_routes(router);
    router.get("/metrics", [this](const http::Request&) {
      auto response = http::Response::text(metrics_.exposition(clock_.system()));
      response.content_type = Metrics::content_type;
      return response;
    });
    router.get("/healthz", [](const http::Request&) { return http::Response::text("ok\n"); });
    router.get("/readyz", [this](const http::Request&) {
      return ready() ? http::Response::text("ok\n") : http::Response::text("not every relay was looked at yet\n", 503);
    });
    auto server = http::Server::listen(io_, options_.listen, std::move(router));
    if (!server) return fail(server.error());
    server_ = std::move(*server);
    if (!options_.api_key && !options_.allow_anonymous && !is_loopback(options_.listen)) {
      log::warn("nobody gets credentials here: there is no API key", {{"listen", options_.listen}});
    }
    renew_later();
    return {};
  }

  // After that nothing calls back into this object.
  void shut() {
    stopping_ = true;
    judge_timer_.cancel();
    renewal_timer_.cancel();
    stop_timer_.cancel();
    watches_.clear();
    server_.reset();
    on_change_ = {};
    on_health_ = {};
  }

  void set_fleet(Fleet fleet) {
    if (stopping_ || (has_fleet_ && fleet == health_.fleet())) return;
    health_.set_fleet(std::move(fleet));
    metrics_.set_fleet(health_.fleet());
    has_fleet_ = true;
    watch_fleet();
    log::info("watching", {{"clusters", health_.fleet().clusters.size()}, {"relays", watches_.size()}});
    settle(true);
  }

  void stop(std::function<void()> done) {
    stopping_ = true;
    judge_timer_.cancel();
    renewal_timer_.cancel();
    server_->stop();
    on_stopped_ = std::move(done);
    watches_to_stop_ = watches_.size() + 1;
    for (auto& [id, watched] : watches_) {
      watched.watch->stop([self = shared_from_this(), watch = watched.watch] { self->one_stopped(); });
    }
    stop_timer_.expires_after(longest_stop);
    stop_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->stopped();
    });
    boost::asio::post(io_, [self = shared_from_this()] { self->one_stopped(); });
  }

  boost::asio::io_context::executor_type executor() { return io_.get_executor(); }
  const http::Server& server() const { return *server_; }
  Status status() const { return health_.status(); }
  void on_change(std::function<void(const Status&)> listener) { on_change_ = std::move(listener); }
  void on_health(std::function<void(std::vector<RelayHealth>)> listener) {
    on_health_ = std::move(listener);
    if (on_health_) on_health_(health_.relay_health());
  }

 private:
  struct Watched {
    WatchKey key;
    std::shared_ptr<RelayWatch> watch;
  };

  // Canaries and probes for exactly the relays of the fleet; those that stay the same go on undisturbed.
  void watch_fleet() {
    std::map<RelayId, WatchKey> wanted;
    for (const auto& cluster : health_.fleet().clusters) {
      for (const auto& region : cluster.regions) {
        for (const auto& relay : region.relays) {
          wanted[{cluster.name, region.name, relay.name}] = {relay.host, relay.port, cluster.probing,
                                                             relay.static_credential};
        }
      }
    }
    std::erase_if(watches_, [&](auto& entry) {
      const auto found = wanted.find(entry.first);
      if (found != wanted.end() && found->second == entry.second.key) return false;
      entry.second.watch->stop([watch = entry.second.watch] {});
      return true;
    });
    for (const auto& [id, key] : wanted) {
      if (!watches_.contains(id)) watches_[id] = {key, start_watch(id, key)};
    }
  }

  std::shared_ptr<RelayWatch> start_watch(const RelayId& id, const WatchKey& key) {
    RelayWatch::Options options{
        .vantage = options_.vantage,
        .host = key.host,
        .port = key.port,
        .probing = key.probing,
        .credential = [this, id] { return relay_credential(health_.fleet(), id, options_.vantage, clock_.system()); }};
    RelayWatch::Handlers handlers;
    handlers.on_sent = [this, id] { metrics_.echo_sent(id); };
    handlers.on_echo = [this, id](std::chrono::nanoseconds round_trip) {
      metrics_.echo_received(id, round_trip);
      health_.echoed(id, round_trip);
    };
    handlers.on_loss = [this, id] {
      metrics_.echo_lost(id);
      health_.echo_lost(id);
    };
    handlers.on_observation = [this, id](const Observation& observation) {
      const bool is_back = health_.observed(id, observation);
      settle(false);
      if (is_back) watches_.at(id).watch->probe_now();
    };
    handlers.on_probed = [this, id](ProbeResult result) {
      metrics_.probed(id, result);
      health_.probed(id, std::move(result));
      settle(true);
    };
    auto watch = std::make_shared<RelayWatch>(io_.get_executor(), clock_, std::move(options), std::move(handlers));
    watch->start();
    return watch;
  }

  // Carries what has changed to everybody whom it concerns.
  void settle(bool status_changed) {
    const auto changes = health_.take_changes();
    const bool judged = !changes.verdicts.empty() || !changes.failovers.empty();
    // Clients first: each millisecond here is a millisecond of silence in a call.
    if (judged || status_changed) {
      const auto told = ice_api_.update();
      for (const auto& change : changes.verdicts) {
        if (told == 0 || !change.first_miss) continue;
        metrics_.pushed_after(change.id.cluster, change.id.region, clock_.steady() - *change.first_miss);
      }
    }
    for (const auto& change : changes.verdicts) {
      metrics_.judged(change.id, change.to.verdict, change.to.cause);
      log_change(change);
    }
    for (const auto& failover : changes.failovers) {
      if (!failover.is_return()) metrics_.failed_over(failover.cluster, failover.region, failover.cause);
      log_failover(failover);
    }
    if (judged || status_changed) {
      for (const auto& cluster : health_.fleet().clusters) {
        for (const auto& region : cluster.regions) {
          metrics_.served(cluster.name, region.name, health_.served_by(cluster.name, region.name),
                          health_.failover_cause(cluster.name, region.name));
        }
      }
    }
    wait_to_judge();
    if ((judged || status_changed) && on_health_) on_health_(health_.relay_health());
    if ((judged || status_changed) && on_change_) on_change_(health_.status());
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
      self->settle(false);
    });
  }

  void renew_later() {
    renewal_timer_.expires_after(renewal_interval);
    renewal_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (error || !self || self->stopping_) return;
      (void)self->ice_api_.update();
      self->renew_later();
    });
  }

  // Once every relay has had its first verdict; for good.
  bool ready() {
    if (ready_ || !has_fleet_) return ready_;
    const auto health = health_.relay_health();
    ready_ = std::ranges::none_of(health, [](const auto& relay) { return relay.verdict == api::Verdict::unknown; });
    return ready_;
  }

  void one_stopped() {
    if (--watches_to_stop_ == 0) stopped();
  }
  void stopped() {
    stop_timer_.cancel();
    if (auto done = std::exchange(on_stopped_, {})) done();
  }

  boost::asio::io_context& io_;
  const Clock& clock_;
  const Options options_;
  FleetHealth health_;
  Metrics metrics_;
  IceApi ice_api_;
  StatusApi status_api_;
  ProbeApi probe_api_;
  boost::asio::steady_timer judge_timer_;
  boost::asio::steady_timer renewal_timer_;
  boost::asio::steady_timer stop_timer_;
  bool judge_waiting_ = false;
  bool has_fleet_ = false;
  bool ready_ = false;
  bool stopping_ = false;
  std::map<RelayId, Watched> watches_;
  std::size_t watches_to_stop_ = 0;
  std::function<void()> on_stopped_;
  std::function<void(const Status&)> on_change_;
  std::function<void(std::vector<RelayHealth>)> on_health_;
  std::unique_ptr<http::Server> server_;  // last: its handlers use the rest
};

Service::Service(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Service>> Service::start(boost::asio::io_context& io, Options options, const Clock& clock) {
  auto impl = std::make_shared<Impl>(io, std::move(options), clock);
  if (auto listening = impl->listen(); !listening) return fail(listening.error());
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

std::string Service::address() const {
  return impl_->server().address();
}

Status Service::status() const {
  return impl_->status();
}

void Service::on_change(std::function<void(const Status&)> listener) {
  impl_->on_change(std::move(listener));
}

void Service::on_health(std::function<void(std::vector<RelayHealth>)> listener) {
  impl_->on_health(std::move(listener));
}

void Service::stop(std::function<void()> done) {
  impl_->stop(std::move(done));
}

}  // namespace turnkeeper::monitor
