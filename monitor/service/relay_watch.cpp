#include "monitor/service/relay_watch.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "monitor/probe/look_up.hpp"
#include "monitor/probe/probe.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds longest_probe = 5s;
constexpr std::chrono::nanoseconds shortest_probe = 1s;
constexpr std::chrono::nanoseconds longest_check = 10s;

}  // namespace

RelayWatch::RelayWatch(boost::asio::any_io_executor executor, const Clock& clock, Options options, Handlers handlers)
    : executor_(std::move(executor)),
      clock_(clock),
      options_(std::move(options)),
      handlers_(std::move(handlers)),
      timer_(executor_),
      names_(options_.uris.size()) {
  if (!options_.ground) options_.ground = std::make_shared<CanaryGround>(executor_, clock_);
}

void RelayWatch::start() {
  if (options_.probing.canary.count() > 0) start_canary();
  check_due_ = clock_.steady();
  for (auto& name : names_) name.due = clock_.steady();
  run_due();
}

void RelayWatch::start_canary() {
  CanaryOptions canary{
      .vantage = options_.vantage, .uri = options_.canary, .ground = options_.ground, .tls = options_.tls};
  canary.policy = {.interval = options_.probing.canary, .misses = options_.probing.misses};
  canary.credential = [credentials = options_.credentials]() -> Result<turn::Credential> {
    auto all = credentials();
    if (!all) return fail(all.error());
    return std::move(all->current);
  };
  canary.on_observation = handlers_.on_observation;
  canary.on_sent = handlers_.on_sent;
  canary.on_echo = handlers_.on_echo;
  canary.on_loss = handlers_.on_loss;
  canary_ = std::make_unique<Canary>(executor_, clock_, std::move(canary));
  canary_->start();
}

// The next time at the place in the interval that belongs to `what`.
SteadyTime RelayWatch::place_after(const std::string& what, SteadyTime now) const {
  const std::chrono::nanoseconds interval = options_.probing.full;
  const auto place = std::chrono::nanoseconds(std::hash<std::string>()(options_.name + ' ' + what) %
                                              static_cast<std::size_t>(interval.count()));
  const auto since = (now.time_since_epoch() - place) % interval;
  return now + (interval - since);
}

void RelayWatch::run_due() {
  if (stop_.stop_requested()) return;
  const auto now = clock_.steady();
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i].due > now) continue;
    names_[i].due = place_after(options_.uris[i].to_string(), now);
    look_up_name(i);
  }
  for (auto& target : targets_) {
    if (target.due > now) continue;
    target.due = place_after(target.endpoint.to_string(), now);
    probe_target(target.endpoint);
  }
  arm();
}

void RelayWatch::arm() {
  SteadyTime next = SteadyTime::max();
  for (const auto& name : names_) next = std::min(next, name.due);
  for (const auto& target : targets_) next = std::min(next, target.due);
  if (next == armed_) return;
  armed_ = next;
  timer_.expires_at(next);
  timer_.async_wait([weak = weak_from_this(), next](const boost::system::error_code& error) {
    const auto self = weak.lock();
    // A timer that was set anew while this handler was already queued reports no error.
    if (error || !self || self->armed_ != next) return;
    self->armed_ = {};
    self->run_due();
  });
}

Deadline RelayWatch::probe_deadline() const {
  const std::chrono::nanoseconds interval = options_.probing.full;
  return Deadline::after(clock_, std::clamp(interval, shortest_probe, longest_probe));
}

RelayWatch::Target* RelayWatch::find(const turn::Endpoint& endpoint) {
  const auto found = std::ranges::find(targets_, endpoint, &Target::endpoint);
  return found == targets_.end() ? nullptr : &*found;
}

void RelayWatch::look_up_name(std::size_t index) {
  if (names_[index].looking_up) return;
  names_[index].looking_up = true;
  ++running_;
  boost::asio::co_spawn(executor_, look_up(options_.ground->resolver, options_.uris[index], probe_deadline(), clock_),
                        [weak = weak_from_this(), index](const std::exception_ptr& failure, LookUp found) {
                          const auto self = weak.lock();
                          if (!self) return;
                          if (failure) found.endpoints = fail("the look-up broke off");
                          self->looked_up(index, std::move(found));
                        });
}

void RelayWatch::looked_up(std::size_t index, LookUp found) {
  --running_;
  auto& name = names_[index];
  name.looking_up = false;
  name.took = found.took;
  if (stop_.stop_requested()) return one_stopped();
  if (!found.endpoints) {
    name.failed = true;
    // Those that are known go on being probed: a name server that is gone says nothing about the relay.
    handlers_.on_probed(unresolved(options_.uris[index], found, clock_.system()));
    return;
  }
  const auto& endpoints = *found.endpoints;
  bool changed = std::exchange(name.failed, false);
  changed =
      std::erase_if(targets_,
                    [&](const Target& target) {
                      return target.uri == index && std::ranges::find(endpoints, target.endpoint) == endpoints.end();
                    }) > 0 ||
      changed;
  for (const auto& endpoint : endpoints) {
    if (find(endpoint)) continue;
    targets_.push_back({.uri = index, .endpoint = endpoint, .due = clock_.steady()});
    changed = true;
  }
  if (changed && handlers_.on_endpoints) {
    std::vector<turn::Endpoint> all;
    for (const auto& target : targets_) all.push_back(target.endpoint);
    handlers_.on_endpoints(all);
  }
  run_due();
}

void RelayWatch::probe_now() {
  if (stop_.stop_requested()) return;
  for (auto& target : targets_) target.due = clock_.steady();
  run_due();
}

void RelayWatch::recheck() {
  if (stop_.stop_requested()) return;
  if (canary_) {
    canary_->recheck();
  } else {
    probe_now();
  }
}

void RelayWatch::probe_target(const turn::Endpoint& endpoint) {
  auto* target = find(endpoint);
  if (target->probing) return;
  target->probing = true;
  ++running_;
  if (!options_.gate) {
    boost::asio::post(executor_, [weak = weak_from_this(), endpoint] {
      if (const auto self = weak.lock()) self->run_probe(endpoint, nullptr);
    });
    return;
  }
  options_.gate->enter(
      [weak = weak_from_this(), executor = executor_, endpoint](std::shared_ptr<ProbeGate::Pass> pass) {
        boost::asio::post(executor, [weak, endpoint, pass = std::move(pass)] {
          if (const auto self = weak.lock()) self->run_probe(endpoint, pass);
        });
      });
}

ProbeTarget RelayWatch::target_of(const turn::Endpoint& endpoint, const turn::Credential& credential) const {
  const auto target = std::ranges::find(targets_, endpoint, &Target::endpoint);
  ProbeTarget probe;
  probe.endpoint = endpoint;
  probe.credential = credential;
  if (target != targets_.end()) probe.server_name = options_.uris[target->uri].host;
  probe.tls = options_.tls;
  probe.public_addresses = options_.public_addresses;
  return probe;
}

void RelayWatch::run_probe(const turn::Endpoint& endpoint, std::shared_ptr<ProbeGate::Pass> pass) {
  const auto* known = find(endpoint);
  auto credentials = options_.credentials();
  if (stop_.stop_requested() || !known || !credentials) {
    ProbeResult result{.cause = api::Cause::internal, .endpoint = endpoint, .finished = clock_.system()};
    result.detail = credentials ? "cancelled" : credentials.error().text();
    result.server = endpoint.address.to_string();
    return probed(std::move(result), {});
  }
  const auto now = clock_.steady();
  ProbeTarget target = target_of(endpoint, credentials->current);
  target.auth.lasting = std::move(credentials->lasting);
  target.auth.other_keys = std::move(credentials->other_keys);
  target.auth.worked_here = worked_key_ == credentials->key;
  target.auth.works_elsewhere =
      options_.accepted && options_.accepted->elsewhere(credentials->key, options_.name, now,
                                                        3 * std::chrono::nanoseconds(options_.probing.full));
  if (options_.our_lag) target.auth.our_lag = options_.our_lag();
  ProbeOptions options{.deadline = probe_deadline(), .stop = stop_.get_token(), .clock = &clock_};
  options.resolve_time = names_[known->uri].took;
  options.throughput = options_.throughput;
  options.mtu = options_.mtu;
  boost::asio::co_spawn(executor_, probe(std::move(target), std::move(options)),
                        [weak = weak_from_this(), pass = std::move(pass), key = credentials->key](
                            const std::exception_ptr& failure, ProbeResult result) {
                          const auto self = weak.lock();
                          if (!self) return;
                          if (failure) result.cause = api::Cause::internal;
                          self->probed(std::move(result), key);
                        });
}

void RelayWatch::probed(ProbeResult result, const std::string& key) {
  --running_;
  auto* target = find(result.endpoint);
  if (target) target->probing = false;
  if (stop_.stop_requested()) return one_stopped();
  if (!target) return;  // no address of the relay's any more
  if (canary_ && result.cause == api::Cause::draining) canary_->let_go();
  if (result.ok) {
    worked_key_ = key;
    if (options_.accepted) options_.accepted->accepted(key, options_.name, clock_.steady());
    check_if_due(result);
    if (result.cause == api::Cause::none && !findings_.empty()) {
      result.cause = findings_.front().cause;
      result.detail = findings_.front().detail;
    }
  }
  handlers_.on_probed(std::move(result));
}

void RelayWatch::check_if_due(const ProbeResult& result) {
  if (checking_ || !options_.checks) return;
  auto credentials = options_.credentials();
  if (!credentials) return;
  std::string keys = credentials->key;
  for (const auto& key : credentials->other_keys) keys += ' ' + key.id;
  for (const auto& key : credentials->old_keys) keys += " -" + key.id;
  if (keys != checked_keys_) {
    if (!std::exchange(checked_keys_, keys).empty()) {
      check_due_ = Deadline::after(clock_, options_.key_settles).at();
    }
  }
  if (clock_.steady() < check_due_) return;
  check_due_ = Deadline::after(clock_, options_.check_every).at();
  checking_ = true;
  ++running_;
  PathTarget path{.relay = target_of(result.endpoint, credentials->current)};
  path.expired = std::move(credentials->expired);
  path.old_keys = std::move(credentials->old_keys);
  path.allowed_peers = options_.allowed_peers;
  ProbeOptions options{.deadline = Deadline::after(clock_, longest_check), .stop = stop_.get_token(), .clock = &clock_};
  boost::asio::co_spawn(executor_, check_path(std::move(path), std::move(options)),
                        [weak = weak_from_this()](const std::exception_ptr&, PathReport report) {
                          if (const auto self = weak.lock()) self->checked(std::move(report));
                        });
}

void RelayWatch::checked(PathReport report) {
  --running_;
  checking_ = false;
  if (stop_.stop_requested()) return one_stopped();
  // Without an answer nothing is new.
  if (report.answered > 0) findings_ = report.findings;
  if (handlers_.on_checked) handlers_.on_checked(report);
}

void RelayWatch::rest(bool resting) {
  if (canary_) canary_->rest(resting);
}

void RelayWatch::stop(std::function<void()> done) {
  on_stopped_ = std::move(done);
  stopping_ = (canary_ ? 1 : 0) + running_ + 1;
  stop_.request_stop();
  timer_.cancel();
  const auto count_down = [self = shared_from_this()] { self->one_stopped(); };
  if (canary_) canary_->stop(count_down);
  boost::asio::post(executor_, count_down);
}

void RelayWatch::one_stopped() {
  if (--stopping_ > 0) return;
  canary_.reset();
  if (auto done = std::exchange(on_stopped_, {})) done();
}

}  // namespace turnkeeper::monitor
