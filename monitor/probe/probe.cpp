#include "monitor/probe/probe.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>

#include "monitor/probe/hairpin.hpp"
#include "monitor/probe/resolve.hpp"

namespace turnkeeper::monitor {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using api::Cause;

// What the callbacks of one probe leave for its coroutine, and the timer that wakes it.
struct Progress {
  explicit Progress(const asio::any_io_executor& executor) : timer(executor) {}

  std::optional<Result<turn::SocketAddress>> resolved;
  bool standing = false;
  std::optional<Diagnosis> failed;
  bool released = false;
  bool confirmed = false;
  bool cancelled = false;
  asio::steady_timer timer;

  void wake() { timer.cancel(); }
};

// Until a callback woke it or the time came; may return early.
asio::awaitable<void> wait(std::shared_ptr<Progress> progress, Deadline deadline) {
  boost::system::error_code ignored;
  progress->timer.expires_at(deadline.at());
  co_await progress->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

Hairpin::Handlers handlers_for(const std::shared_ptr<Progress>& progress) {
  Hairpin::Handlers handlers;
  handlers.on_standing = [progress](std::chrono::nanoseconds) {
    progress->standing = true;
    progress->wake();
  };
  handlers.on_echo = [](std::uint64_t, std::chrono::nanoseconds) {};
  handlers.on_failed = [progress](const Diagnosis& diagnosis) {
    progress->failed = diagnosis;
    progress->wake();
  };
  handlers.on_released = [progress](bool confirmed) {
    progress->released = true;
    progress->confirmed = confirmed;
    progress->wake();
  };
  return handlers;
}

void blame(ProbeResult& result, Cause cause, std::string detail) {
  result.ok = false;
  result.cause = cause;
  result.detail = std::move(detail);
}

// Makes the allocation, hears its echo, and takes it down again.
asio::awaitable<void> use_relay(const Clock& clock, Hairpin::Config config, Deadline deadline,
                                std::shared_ptr<Progress> progress, ProbeResult& result) {
  const auto executor = co_await asio::this_coro::executor;
  const auto reserve = std::min<std::chrono::nanoseconds>(deadline.remaining(clock) / 5, 1s);
  const Deadline establish_by(deadline.at() - std::chrono::duration_cast<SteadyTime::duration>(reserve));

  const auto hairpin = std::make_shared<Hairpin>(executor, clock, std::move(config), handlers_for(progress));
  hairpin->establish(establish_by);
  while (!progress->standing && !progress->failed && !progress->cancelled) co_await wait(progress, deadline);

  const auto release_started = clock.steady();
  hairpin->release(deadline);
  while (!progress->released) co_await wait(progress, deadline);

  const auto& phases = hairpin->phases();
  result.phases.insert(result.phases.end(), phases.begin(), phases.end());
  if (hairpin->relayed_address()) {
    result.relayed_address = hairpin->relayed_address()->to_string();
    result.phases.emplace_back(Phase::refresh, clock.steady() - release_started);
  }
  result.ok = progress->standing && !progress->failed && progress->confirmed;
  if (result.ok) {
    blame(result, Cause::none, "");
    result.ok = true;
  } else if (progress->failed) {
    blame(result, progress->failed->cause, progress->failed->detail);
  } else if (!progress->standing) {
    blame(result, Cause::internal, "cancelled");
  } else {
    blame(result, Cause::timeout, "the echo came back, but Refresh(0) got no answer");
  }
}

}  // namespace

asio::awaitable<ProbeResult> probe_udp(ProbeTarget target, ProbeOptions options) {
  const auto executor = co_await asio::this_coro::executor;
  const Clock& clock = *options.clock;
  const auto started = clock.steady();
  ProbeResult result;

  const auto progress = std::make_shared<Progress>(executor);
  const std::stop_callback on_stop(options.stop, [executor, progress] {
    asio::post(executor, [progress] {
      progress->cancelled = true;
      progress->wake();
    });
  });

  resolve(executor, target.host, target.port, options.deadline, [progress](Result<turn::SocketAddress> address) {
    progress->resolved = std::move(address);
    progress->wake();
  });
  while (!progress->resolved && !progress->cancelled) co_await wait(progress, options.deadline);
  result.phases.emplace_back(Phase::resolve, clock.steady() - started);

  if (progress->cancelled) {
    blame(result, Cause::internal, "cancelled");
  } else if (!*progress->resolved) {
    blame(result, Cause::dns, progress->resolved->error().message);
  } else {
    result.server = (*progress->resolved)->to_string();
    Hairpin::Config config{.server = **progress->resolved, .credential = target.credential, .rto = options.rto};
    co_await use_relay(clock, std::move(config), options.deadline, progress, result);
  }
  result.total = clock.steady() - started;
  result.finished = clock.system();
  co_return result;
}

}  // namespace turnkeeper::monitor
