#include "monitor/canary/canary.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>

#include "monitor/probe/hairpin.hpp"
#include "monitor/probe/resolve.hpp"
#include "turnkeeper/base/random.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

constexpr auto release_budget = 1s;
constexpr auto min_renewal = 1s;
constexpr auto renewal_retry = 30s;

}  // namespace

class Canary::Impl : public std::enable_shared_from_this<Canary::Impl> {
 public:
  Impl(const boost::asio::any_io_executor& executor, const Clock& clock, CanaryOptions options)
      : executor_(executor), clock_(clock), options_(std::move(options)), timer_(executor) {}

  void start() {
    if (state_ || stopping_) return;
    state_.emplace(options_.policy, clock_.steady(), random_unit);
    post([this] { act(); });
  }

  void stop(std::function<void()> done) {
    if (std::exchange(stopping_, true)) return;
    done_ = std::move(done);
    timer_.cancel();
    for (auto& [attempt, hairpin] : hairpins_) hairpin->release(Deadline::after(clock_, release_budget));
    post([this] { finish_stop(); });
  }

  // Nothing is called any more.
  void detach() {
    stopping_ = true;
    done_ = nullptr;
    timer_.cancel();
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

  // Carries out what the state asks for, then waits for its next time.
  void act() {
    while (!stopping_) {
      const auto action = state_->poll();
      if (!action) break;
      std::visit([this](const auto& what) { carry_out(what); }, *action);
    }
    if (stopping_) return;
    const auto next = state_->next_timeout();
    if (next == armed_) return;
    armed_ = next;
    if (next == SteadyTime::max()) {
      timer_.cancel();
      return;
    }
    timer_.expires_at(next);
    timer_.async_wait([weak = weak_from_this(), next](const boost::system::error_code& error) {
      const auto self = weak.lock();
      // A timer that was set anew while this handler was already queued reports no error.
      if (error || !self || self->stopping_ || self->armed_ != next) return;
      self->armed_.reset();
      if (self->renew_at_ && self->clock_.system() >= *self->renew_at_) {
        self->renew_at_ = self->clock_.system() + renewal_retry;  // if this one fails; a success sets it anew
        self->state_->renew(self->clock_.steady());
      }
      self->state_->on_time(self->clock_.steady());
      self->act();
    });
  }

  void carry_out(const CanaryState::Establish& what) {
    const Deadline deadline = Deadline::after(clock_, what.budget);
    if (!what.resolve && server_) return establish(what, *server_, deadline);
    resolve(
        executor_, options_.host, options_.port, deadline,
        [weak = weak_from_this(), what, deadline](const Result<turn::SocketAddress>& address) {
          const auto self = weak.lock();
          if (!self || self->stopping_) return;
          if (address) {
            self->server_ = *address;
            self->establish(what, *address, deadline);
          } else {
            self->state_->on_failed(what.attempt, {api::Cause::dns, address.error().message}, self->clock_.steady());
          }
          self->act();
        });
  }

  void establish(const CanaryState::Establish& what, const turn::SocketAddress& server, Deadline deadline) {
    const int attempt = what.attempt;
    const auto credential = options_.credential();
    if (!credential) {
      state_->on_failed(attempt, {api::Cause::internal, credential.error().message}, clock_.steady());
      return;
    }
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
    handlers.on_echo = [weak, attempt](std::uint64_t sequence, std::chrono::nanoseconds round_trip) {
      const auto self = weak.lock();
      if (!self || self->stopping_) return;
      if (self->options_.on_echo) self->options_.on_echo(round_trip);
      self->state_->on_echo(attempt, sequence, round_trip, self->clock_.steady());
      self->act();
    };
    handlers.on_failed = [weak, attempt](const Diagnosis& diagnosis) {
      const auto self = weak.lock();
      if (!self || self->stopping_) return;
      self->state_->on_failed(attempt, diagnosis, self->clock_.steady());
      self->act();
    };
    handlers.on_released = [weak, attempt](bool) {
      const auto self = weak.lock();
      if (!self) return;
      self->hairpins_.erase(attempt);
      if (self->stopping_) self->finish_stop();
    };
    Hairpin::Config config;
    config.server = server;
    config.credential = *credential;
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
    options_.on_observation(observation);
  }

  void carry_out(const CanaryState::EchoLost&) {
    if (options_.on_loss) options_.on_loss();
  }

  const boost::asio::any_io_executor executor_;
  const Clock& clock_;
  CanaryOptions options_;
  boost::asio::steady_timer timer_;
  std::optional<SteadyTime> armed_;
  std::optional<CanaryState> state_;
  std::optional<turn::SocketAddress> server_;
  std::optional<SystemTime> renew_at_;
  std::map<int, std::shared_ptr<Hairpin>> hairpins_;
  bool stopping_ = false;
  std::function<void()> done_;
};

Canary::Canary(const boost::asio::any_io_executor& executor, const Clock& clock, CanaryOptions options)
    : impl_(std::make_shared<Impl>(executor, clock, std::move(options))) {}

Canary::~Canary() {
  impl_->detach();
}

void Canary::start() {
  impl_->start();
}

void Canary::stop(std::function<void()> done) {
  impl_->stop(std::move(done));
}

}  // namespace turnkeeper::monitor
