#include "monitor/probe/probe.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <optional>

#include "monitor/probe/allocation.hpp"
#include "monitor/probe/hairpin.hpp"
#include "monitor/probe/measure.hpp"
#include "monitor/probe/waiter.hpp"

namespace turnkeeper::monitor {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using api::Cause;

constexpr int most_redirects = 2;
// What ends that late waited for this process, which stood still (SIGSTOP, a suspended machine).
constexpr auto standstill = 250ms;

// What the hairpin's callbacks leave for the coroutine.
struct Progress {
  bool standing = false;
  std::optional<Diagnosis> failed;
  bool released = false;
  bool confirmed = false;
};

class Probe {
 public:
  Probe(const asio::any_io_executor& executor, ProbeTarget target, ProbeOptions options)
      : clock_(*options.clock),
        target_(std::move(target)),
        options_(std::move(options)),
        waiter_(std::make_shared<Waiter>(executor)),
        establish_by_(options_.deadline) {
    waiter_->stop_with(options_.stop);
    const auto reserve = std::min<std::chrono::nanoseconds>(options_.deadline.remaining(clock_) / 5, 1s);
    establish_by_ = Deadline(options_.deadline.at() - std::chrono::duration_cast<SteadyTime::duration>(reserve));
  }

  asio::awaitable<ProbeResult> run() {
    const auto started = clock_.steady();
    result_.endpoint = target_.endpoint;
    result_.server = target_.endpoint.address.to_string();
    if (options_.resolve_time) result_.phases.emplace_back(Phase::resolve, *options_.resolve_time);
    const auto before_server = result_.phases;
    for (int hops = 0;; ++hops) {
      const auto next = co_await use_server();
      if (!next) break;
      if (hops == most_redirects || *next == target_.endpoint.address) {
        blame(Cause::redirected, "sent from one server to the next more than " + std::to_string(hops) + " times");
        break;
      }
      result_.redirected_to = target_.endpoint.address = *next;
      result_.phases = before_server;
    }
    judge();
    result_.total = clock_.steady() - started + options_.resolve_time.value_or(0ns);
    result_.finished = clock_.system();
    co_return std::move(result_);
  }

  // What was awaited meanwhile was perhaps there in time.
  [[nodiscard]] bool stood_still() const { return stood_still_; }

 private:
  void blame(Cause cause, std::string detail) {
    result_.ok = false;
    result_.cause = cause;
    result_.detail = std::move(detail);
  }
  void note_standstill(Deadline due) { stood_still_ = stood_still_ || clock_.steady() - due.at() > standstill; }
  void blame(const Diagnosis& diagnosis) { blame(diagnosis.cause, diagnosis.detail); }

  turn::ConnectOptions connect_options() const {
    return {.tls = target_.tls,
            .server_name = target_.server_name,
            .deadline = establish_by_,
            .whole_datagrams = options_.mtu,
            .clock = &clock_};
  }

  // Uses the server that target_ names and puts what came of it into result_. Returns where it sent us instead.
  asio::awaitable<std::optional<turn::SocketAddress>> use_server() {
    auto connection = co_await open_connection(waiter_, target_.endpoint, connect_options());
    note_standstill(establish_by_);
    const bool secure =
        target_.endpoint.protocol == turn::Protocol::tls || target_.endpoint.protocol == turn::Protocol::dtls;
    const auto add_phases = [&](const auto& outcome, bool in_tls) {
      result_.phases.emplace_back(Phase::connect, outcome.connect_time);
      if (secure && in_tls) result_.phases.emplace_back(Phase::tls, outcome.tls_time);
      result_.certificate = outcome.certificate;
    };
    if (!connection) {
      add_phases(connection.error(), connection.error().in_tls);
      if (waiter_->stopped()) {
        blame(Cause::internal, "cancelled");
      } else {
        blame(diagnose(connection.error()));
      }
      co_return std::nullopt;
    }
    add_phases(*connection, true);
    result_.resumed = connection->resumed;
    result_.tls_version = connection->tls_version;
    co_return co_await use_connection(std::move(connection->transport));
  }

  // Makes the allocation, hears its echo, and takes it down again.
  asio::awaitable<std::optional<turn::SocketAddress>> use_connection(std::unique_ptr<turn::Transport> transport) {
    const auto executor = co_await asio::this_coro::executor;
    const auto progress = std::make_shared<Progress>();
    const auto sink = std::make_shared<PayloadSink>();
    const auto hairpin =
        std::make_shared<Hairpin>(executor, clock_, config(executor, std::move(transport)), handlers(progress, sink));
    hairpin->establish(establish_by_);
    while (!progress->standing && !progress->failed && !waiter_->stopped()) co_await waiter_->wait(options_.deadline);
    note_standstill(establish_by_);
    if (progress->standing) co_await measure(hairpin, sink);

    const auto release_started = clock_.steady();
    hairpin->release(options_.deadline);
    while (!progress->released) co_await waiter_->wait(options_.deadline);
    note_standstill(options_.deadline);

    const auto& phases = hairpin->phases();
    result_.phases.insert(result_.phases.end(), phases.begin(), phases.end());
    result_.mapped_address = hairpin->mapped_address();
    result_.by_pair = hairpin->is_pair();
    if (hairpin->relayed_address()) {
      relayed_ = hairpin->relayed_address();
      result_.relayed_address = relayed_->to_string();
      result_.phases.emplace_back(Phase::refresh, clock_.steady() - release_started);
    }
    if (progress->failed) {
      blame(*progress->failed);
      if (const auto& refusal = hairpin->refusal()) {
        if (refusal->kind == turn::Failure::Kind::unauthorized) co_await find_auth_cause();
        if (refusal->operation == turn::Operation::allocate && refusal->alternate_server) {
          if (!refusal->alternate_domain.empty()) target_.server_name = refusal->alternate_domain;
          co_return refusal->alternate_server;
        }
      }
    } else if (!progress->standing) {
      blame(Cause::internal, "cancelled");
    } else if (!progress->confirmed) {
      blame(Cause::connect_timeout, "the echo came back, but Refresh(0) got no answer");
    } else {
      blame(Cause::none, "");
      result_.ok = true;
    }
    co_return std::nullopt;
  }

  Hairpin::Config config(const asio::any_io_executor& executor, std::unique_ptr<turn::Transport> transport) {
    Hairpin::Config config;
    config.transport = std::move(transport);
    config.credential = target_.credential;
    config.address_family = target_.address_family;
    config.rto = options_.rto;
    config.open_another = [executor, endpoint = target_.endpoint, options = connect_options()](auto done) {
      turn::connect(executor, endpoint, options, [done](tl::expected<turn::Connection, turn::ConnectFailure> opened) {
        if (opened) return done(std::move(opened->transport));
        done(fail(opened.error().detail));
      });
    };
    return config;
  }

  Hairpin::Handlers handlers(const std::shared_ptr<Progress>& progress, const std::shared_ptr<PayloadSink>& sink) {
    Hairpin::Handlers handlers;
    handlers.on_standing = [progress, waiter = waiter_](std::chrono::nanoseconds) {
      progress->standing = true;
      waiter->wake();
    };
    handlers.on_echo = [](std::uint64_t, std::chrono::nanoseconds) {};
    handlers.on_payload = [sink](turn::Bytes payload) {
      if (sink->on_payload) sink->on_payload(payload);
    };
    handlers.on_failed = [progress, waiter = waiter_](const Diagnosis& diagnosis) {
      progress->failed = diagnosis;
      waiter->wake();
    };
    handlers.on_released = [progress, waiter = waiter_](bool confirmed) {
      progress->released = true;
      progress->confirmed = confirmed;
      waiter->wake();
    };
    return handlers;
  }

  asio::awaitable<void> measure(std::shared_ptr<Hairpin> hairpin, std::shared_ptr<PayloadSink> sink) {
    if (options_.mtu && target_.endpoint.protocol == turn::Protocol::udp) {
      result_.mtu = co_await measure_mtu(hairpin, sink, waiter_, target_.endpoint.address.family(), options_.rto,
                                         establish_by_, clock_);
    }
    if (options_.throughput) {
      result_.throughput =
          co_await measure_throughput(hairpin, sink, waiter_, *options_.throughput, establish_by_, clock_);
    }
  }

  // A 401 to credentials that should be good: which others does the relay take?
  asio::awaitable<void> find_auth_cause() {
    const auto& hints = target_.auth;
    AuthEvidence evidence{.expires = target_.credential.expires,
                          .worked_here = hints.worked_here,
                          .works_elsewhere = hints.works_elsewhere,
                          .our_lag = hints.our_lag};
    if (hints.lasting) evidence.lasting_accepted = co_await accepts(*hints.lasting);
    for (const auto& key : hints.other_keys) {
      if (evidence.lasting_accepted.value_or(false) || evidence.accepted_key) break;
      const auto accepted = co_await accepts(key.credential);
      if (accepted.value_or(false)) evidence.accepted_key = key.id;
      if (accepted && !*accepted) ++evidence.keys_refused;
    }
    if (!waiter_->stopped()) blame(diagnose_unauthorized(evidence));
  }

  // Nothing: there was no clear answer.
  asio::awaitable<std::optional<bool>> accepts(turn::Credential credential) {
    Allocation allocation(waiter_, clock_, options_.rto);
    co_await allocation.make(target_, std::move(credential), establish_by_);
    std::optional<bool> accepted;
    if (allocation.made()) accepted = true;
    if (const auto& refused = allocation.refused()) {
      // Any other refusal comes behind the check of the credential.
      accepted = refused->kind != turn::Failure::Kind::unauthorized;
    }
    co_await allocation.release(options_.deadline);
    co_return accepted;
  }

  const std::string* advertised_address(turn::SocketAddress::Family family) const {
    const auto found = std::ranges::find_if(target_.public_addresses, [&](const std::string& text) {
      const auto address = turn::SocketAddress::from_ip(text, 0);
      return address && address->family() == family;
    });
    return found == target_.public_addresses.end() ? nullptr : &*found;
  }

  // What is wrong although, or because, everything went through.
  void judge() {
    const auto* advertised = relayed_ ? advertised_address(relayed_->family()) : nullptr;
    if (result_.ok && advertised && relayed_->ip_string() != *advertised) {
      return blame(Cause::wrong_public_address,
                   "the relay gives out " + relayed_->ip_string() + " as relayed address, not " + *advertised);
    }
    if (!result_.redirected_to || result_.cause == Cause::internal) return;
    const std::string to = result_.redirected_to->to_string();
    if (result_.ok) {
      result_.detail = "sends its clients to " + to + ", which works; most clients do not follow";
    } else if (result_.cause != Cause::redirected) {
      result_.detail = "sends its clients to " + to + ", which fails: " + std::string(api::cause_name(result_.cause)) +
                       ", " + result_.detail;
    }
    result_.cause = Cause::redirected;
  }

  const Clock& clock_;
  ProbeTarget target_;
  ProbeOptions options_;
  std::shared_ptr<Waiter> waiter_;
  Deadline establish_by_;
  bool stood_still_ = false;
  ProbeResult result_;
  std::optional<turn::SocketAddress> relayed_;
};

}  // namespace

asio::awaitable<ProbeResult> probe(ProbeTarget target, ProbeOptions options) {
  const auto executor = co_await asio::this_coro::executor;
  const auto budget = options.deadline.remaining(*options.clock);
  Probe first(executor, target, options);
  auto result = co_await first.run();
  if (result.ok || !first.stood_still() || options.stop.stop_requested()) co_return result;
  options.deadline = Deadline::after(*options.clock, budget);
  Probe again(executor, std::move(target), std::move(options));
  co_return co_await again.run();
}

}  // namespace turnkeeper::monitor
