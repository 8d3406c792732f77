#include "monitor/service/relay_watch.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "monitor/probe/probe.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr std::chrono::nanoseconds longest_probe = std::chrono::seconds(5);
constexpr std::chrono::nanoseconds shortest_probe = std::chrono::seconds(1);

// The next time at this relay's own place in the interval.
SteadyTime next_turn(const std::string& name, SteadyTime now, std::chrono::nanoseconds interval) {
  const auto place =
      std::chrono::nanoseconds(std::hash<std::string>()(name) % static_cast<std::size_t>(interval.count()));
  const auto since = (now.time_since_epoch() - place) % interval;
  return now + (interval - since);
}

}  // namespace

RelayWatch::RelayWatch(boost::asio::any_io_executor executor, const Clock& clock, Options options, Handlers handlers)
    : executor_(std::move(executor)),
      clock_(clock),
      options_(std::move(options)),
      handlers_(std::move(handlers)),
      probe_timer_(executor_) {}

void RelayWatch::start() {
  CanaryOptions options{.vantage = options_.vantage, .host = options_.host, .port = options_.port};
  options.policy = {.interval = options_.probing.canary, .misses = options_.probing.misses};
  options.credential = options_.credential;
  options.on_observation = handlers_.on_observation;
  options.on_sent = handlers_.on_sent;
  options.on_echo = handlers_.on_echo;
  options.on_loss = handlers_.on_loss;
  canary_ = std::make_unique<Canary>(executor_, clock_, std::move(options));
  canary_->start();
  probe_now();
  probe_later();
}

void RelayWatch::probe_now() {
  if (probing_ || stop_.stop_requested()) return;
  probing_ = true;
  auto credential = options_.credential();
  if (!credential) {
    ProbeResult result{
        .ok = false, .cause = api::Cause::internal, .detail = credential.error().text(), .finished = clock_.system()};
    boost::asio::post(executor_, [weak = weak_from_this(), result = std::move(result)] {
      if (const auto self = weak.lock()) self->probed(result);
    });
    return;
  }
  const std::chrono::nanoseconds interval = options_.probing.full;
  ProbeOptions probe{.deadline = Deadline::after(clock_, std::clamp(interval, shortest_probe, longest_probe)),
                     .stop = stop_.get_token(),
                     .clock = &clock_};
  ProbeTarget target{.host = options_.host, .port = options_.port, .credential = std::move(*credential)};
  boost::asio::co_spawn(executor_, probe_udp(std::move(target), std::move(probe)),
                        [weak = weak_from_this()](const std::exception_ptr& failure, ProbeResult result) {
                          const auto self = weak.lock();
                          if (!self) return;
                          if (failure) result.cause = api::Cause::internal;
                          self->probed(std::move(result));
                        });
}

void RelayWatch::probe_later() {
  probe_timer_.expires_at(
      next_turn(options_.host + std::to_string(options_.port), clock_.steady(), options_.probing.full));
  probe_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->probe_now();
    self->probe_later();
  });
}

void RelayWatch::probed(ProbeResult result) {
  probing_ = false;
  if (stop_.stop_requested()) return one_stopped();
  handlers_.on_probed(std::move(result));
}

void RelayWatch::stop(std::function<void()> done) {
  on_stopped_ = std::move(done);
  running_ = (canary_ ? 1 : 0) + (probing_ ? 1 : 0) + 1;
  stop_.request_stop();
  probe_timer_.cancel();
  const auto count_down = [self = shared_from_this()] { self->one_stopped(); };
  if (canary_) canary_->stop(count_down);
  boost::asio::post(executor_, count_down);
}

void RelayWatch::one_stopped() {
  if (--running_ > 0) return;
  canary_.reset();
  if (auto done = std::exchange(on_stopped_, {})) done();
}

}  // namespace turnkeeper::monitor
