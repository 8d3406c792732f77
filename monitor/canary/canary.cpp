#include "monitor/canary/canary.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <map>
#include <optional>
#include <vector>

#include "monitor/probe/hairpin.hpp"
#include "turnkeeper/base/random.hpp"
#include "turnkeeper/turn/connect.hpp"
#include "turnkeeper/turn/timer_wheel.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

constexpr auto release_budget = 1s;
constexpr auto min_renewal = 1s;
constexpr auto renewal_retry = 30s;

using Opened = tl::expected<std::unique_ptr<turn::Transport>, Diagnosis>;

}  // namespace

CanaryGround::CanaryGround(const boost::asio::any_io_executor& executor, const Clock& clock)
    : ports(executor, {.clock = &clock}),
      resolver(std::make_shared<turn::Resolver>(executor, turn::Resolver::Options{.clock = &clock})) {}

class Canary::Impl : public std::enable_shared_from_this<Canary::Impl>, private turn::TimerWheel::Timer {
 public:
  Impl(const boost::asio::any_io_executor& executor, const Clock& clock, CanaryOptions options)
      : Timer(turn::TimerWheel::of(executor)), executor_(executor), clock_(clock), options_(std::move(options)) {}

  void start() {
    if (state_ || stopping_) return;
    state_.emplace(options_.policy, clock_.steady(), random_unit);
    state_->rest(resting_, clock_.steady());
    post([this] { act(); });
  }

  void stop(std::function<void()> done) {
    if (std::exchange(stopping_, true)) return;
    done_ = std::move(done);
    clear();
    cancel_connecting();
    for (auto& [attempt, hairpin] : hairpins_) hairpin->release(Deadline::after(clock_, release_budget));
    post([this] { finish_stop(); });
  }

  void recheck() {
    if (!state_ || stopping_) return;
    state_->recheck(clock_.steady());
    post([this] { act(); });
  }

  void rest(bool resting) {
    resting_ = resting;
    if (!state_ || stopping_) return;
    state_->rest(resting, clock_.steady());
    post([this] { act(); });
  }

  void let_go() {
    if (!state_ || stopping_) return;
    state_->let_go(clock_.steady());
    post([this] { act(); });
  }

  // Nothing is called any more.
  void detach() {
    stopping_ = true;
    done_ = nullptr;
    clear();
    cancel_connecting();
    hairpins_.clear();
  }

 private:
  template <class F>
  void post(F action) {
    boost::asio::post(executor_, [weak = weak_from_this(), action = std::move(action)] {
      if (const auto self = weak.lock()) action();
    });
  }

  void finish_stop() {
    if (hairpins_.empty() && done_) std::exchange(done_, nullptr)();
  }

  void cancel_connecting() {
    for (auto& [attempt, connecting] : connecting_) connecting.cancel();
    connecting_.clear();
  }

  // Carries out what the state asks for, then waits for its next time. What is carried out may call back into here.
  void act() {
    if (std::exchange(acting_, true)) return;
    while (!stopping_) {
      const auto action = state_->poll();
      if (!action) break;
      std::visit([this](const auto& what) { carry_out(what); }, *action);
    }
    acting_ = false;
    if (stopping_) return;
    const auto next = state_->next_timeout();
    if (next == SteadyTime::max()) {
      clear();
    } else {
      set(next);
    }
  }

  void on_time() override {
    const auto self = shared_from_this();
    if (renew_at_ && clock_.system() >= *renew_at_) {
      renew_at_ = clock_.system() + renewal_retry;  // if this one fails; a success sets it anew
      state_->renew(clock_.steady());
    }
    if (state_->suspects()) {
      for (const auto& [attempt, hairpin] : hairpins_) {
        if (hairpin->heard()) state_->on_heard(attempt);
      }
    }
    state_->on_time(clock_.steady());
    act();
  }

  void failed(int attempt, const Diagnosis& diagnosis) {
    ++failures_;
    state_->on_failed(attempt, diagnosis, clock_.steady());
    act();
  }

  void carry_out(const CanaryState::Establish& what) {
    const Deadline deadline = Deadline::after(clock_, what.budget);
    if (!what.resolve && endpoint_) return open(what, deadline);
    options_.ground->resolver->resolve(
        options_.uri, deadline, [weak = weak_from_this(), what, deadline](const auto& endpoints) {
          const auto self = weak.lock();
          if (!self || self->stopping_) return;
          if (!endpoints) return self->failed(what.attempt, {api::Cause::dns, endpoints.error().message});
          self->choose(*endpoints);
          self->open(what, deadline);
        });
  }

  // UDP first; and another one each time that the last one could not be used.
  void choose(std::vector<turn::Endpoint> endpoints) {
    std::ranges::stable_partition(endpoints,
                                  [](const auto& endpoint) { return endpoint.protocol == turn::Protocol::udp; });
    endpoint_ = endpoints[failures_ % endpoints.size()];
  }

  void open(const CanaryState::Establish& what, Deadline deadline) {
    open_transport(what.attempt, deadline, [weak = weak_from_this(), what, deadline](Opened transport) {
      const auto self = weak.lock();
      if (!self || self->stopping_) return;
      if (!transport) return self->failed(what.attempt, transport.error());
      if (self->endpoint_->protocol != turn::Protocol::udp) self->state_->on_heard(what.attempt);  // it has connected
      self->establish(what, std::move(*transport), deadline);
    });
  }

  // Calls `done` perhaps from within the call.
  void open_transport(int attempt, Deadline deadline, std::function<void(Opened)> done) {
    if (endpoint_->protocol == turn::Protocol::udp) {
      auto transport = options_.ground->ports.open(endpoint_->address);
      if (!transport) return done(tl::unexpected(Diagnosis{api::Cause::internal, transport.error().message}));
      return done(std::move(*transport));
    }
    turn::ConnectOptions connect{
        .tls = options_.tls, .server_name = options_.uri.host, .deadline = deadline, .clock = &clock_};
    connecting_[attempt] = turn::connect(executor_, *endpoint_, std::move(connect),
                                         [weak = weak_from_this(), attempt, done = std::move(done)](auto connected) {
                                           const auto self = weak.lock();
                                           if (!self) return;
                                           self->connecting_.erase(attempt);
                                           if (!connected) return done(tl::unexpected(diagnose(connected.error())));
                                           done(std::move(connected->transport));
                                         });
  }

  void establish(const CanaryState::Establish& what, std::unique_ptr<turn::Transport> transport, Deadline deadline) {
    const int attempt = what.attempt;
    auto credential = options_.credential();
    if (!credential) return failed(attempt, {api::Cause::internal, credential.error().message});
    const auto renew_at = renewal_time(*credential);
    const std::weak_ptr<Impl> weak = weak_from_this();
    Hairpin::Handlers handlers;
    handlers.on_standing = [weak, attempt, renew_at](std::chrono::nanoseconds round_trip) {
      const auto self = weak.lock();
      if (!self || self->stopping_) return;
      self->renew_at_ = renew_at;
      self->state_->on_standing(attempt, round_trip, self->clock_.steady());
      self->act();
    };
    // The hairpin goes with this, and calls nothing after that.
    handlers.on_echo = [this, attempt](std::uint64_t sequence, std::chrono::nanoseconds round_trip) {
      if (stopping_) return;
      const auto self = shared_from_this();
      if (options_.on_echo) options_.on_echo(round_trip);
      state_->on_echo(attempt, sequence, round_trip, clock_.steady());
      act();
    };
    handlers.on_failed = [weak, attempt](const Diagnosis& diagnosis) {
      const auto self = weak.lock();
      if (!self || self->stopping_) return;
      self->failed(attempt, diagnosis);
    };
    handlers.on_released = [weak, attempt](bool) {
      const auto self = weak.lock();
      if (!self) return;
      self->hairpins_.erase(attempt);
      if (self->stopping_) self->finish_stop();
    };
    Hairpin::Config config;
    config.transport = std::move(transport);
    config.credential = std::move(*credential);
    config.open_another = [weak, attempt, deadline](const auto& done) {
      const auto self = weak.lock();
      if (!self || self->stopping_) return;
      self->open_transport(attempt, deadline, [done](Opened opened) {
        if (!opened) return done(turnkeeper::fail(opened.error().detail));
        done(std::move(*opened));
      });
    };
    config.rto = what.rto;
    const auto hairpin = std::make_shared<Hairpin>(executor_, clock_, std::move(config), std::move(handlers));
    hairpins_.emplace(attempt, hairpin);
    hairpin->establish(deadline);
  }

  // Well ahead of the expiry, so that several attempts fit; nothing for a credential that does not expire.
  [[nodiscard]] std::optional<SystemTime> renewal_time(const turn::Credential& credential) const {
    if (credential.expires == SystemTime::max()) return std::nullopt;
    const auto now = clock_.system();
    return now + std::max<SystemTime::duration>((credential.expires - now) / 4 * 3, min_renewal);
  }

  void carry_out(const CanaryState::SendEcho& what) {
    const auto hairpin = hairpins_.find(what.attempt);
    if (hairpin == hairpins_.end()) return;
    hairpin->second->send_echo();
    if (options_.on_sent) options_.on_sent();
  }

  void carry_out(const CanaryState::Challenge& what) {
    const auto hairpin = hairpins_.find(what.attempt);
    if (hairpin != hairpins_.end()) hairpin->second->challenge();
  }

  void carry_out(const CanaryState::Release& what) {
    if (const auto connecting = connecting_.find(what.attempt); connecting != connecting_.end()) {
      connecting->second.cancel();
      connecting_.erase(connecting);
    }
    const auto hairpin = hairpins_.find(what.attempt);
    if (hairpin != hairpins_.end()) hairpin->second->release(Deadline::after(clock_, release_budget));
  }

  void carry_out(const CanaryState::Report& what) {
    if (!options_.on_observation) return;
    Observation observation;
    observation.vantage = options_.vantage;
    observation.usable = what.usable;
    observation.cause = what.diagnosis.cause;
    observation.detail = what.diagnosis.detail;
    observation.at = clock_.steady();
    observation.blind = what.diagnosis.cause == api::Cause::internal;
    options_.on_observation(observation);
  }

  void carry_out(const CanaryState::EchoLost&) {
    if (options_.on_loss) options_.on_loss();
  }

  const boost::asio::any_io_executor executor_;
  const Clock& clock_;
  CanaryOptions options_;
  std::optional<CanaryState> state_;
  std::optional<turn::Endpoint> endpoint_;
  std::size_t failures_ = 0;
  std::optional<SystemTime> renew_at_;
  std::map<int, turn::ConnectAttempt> connecting_;  // by attempt, as the hairpins
  std::map<int, std::shared_ptr<Hairpin>> hairpins_;
  bool resting_ = false;
  bool acting_ = false;
  bool stopping_ = false;
  std::function<void()> done_;
};

Canary::Canary(const boost::asio::any_io_executor& executor, const Clock& clock, CanaryOptions options) {
  if (!options.ground) options.ground = std::make_shared<CanaryGround>(executor, clock);
  impl_ = std::make_shared<Impl>(executor, clock, std::move(options));
}

Canary::~Canary() {
  impl_->detach();
}

void Canary::start() {
  impl_->start();
}

void Canary::recheck() {
  impl_->recheck();
}

void Canary::rest(bool resting) {
  impl_->rest(resting);
}

void Canary::let_go() {
  impl_->let_go();
}

void Canary::stop(std::function<void()> done) {
  impl_->stop(std::move(done));
}

}  // namespace turnkeeper::monitor
