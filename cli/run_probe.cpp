#include "cli/run_probe.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

#include "monitor/probe/look_up.hpp"
#include "monitor/probe/waiter.hpp"

namespace turnkeeper::cli {
namespace {

using OnReport = std::function<void(const ProbeReport&)>;

struct Probes {
  const ProbeRequest& request;
  std::shared_ptr<turn::TlsContext> tls;
  std::stop_token stop;
  const OnReport& on_report;
  const Clock& clock = real_clock();

  boost::asio::awaitable<void> run() {
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto resolver = std::make_shared<turn::Resolver>(executor);
    const auto waiter = std::make_shared<monitor::Waiter>(executor);
    waiter->stop_with(stop);
    for (int round = 0; round < request.count && !waiter->stopped(); ++round) {
      const Deadline next = Deadline::after(clock, request.interval);
      for (const auto& uri : request.uris) {
        if (!waiter->stopped()) co_await probe_uri(resolver, uri, round == 0);
      }
      if (round + 1 == request.count) break;
      while (!waiter->stopped() && !next.expired(clock)) co_await waiter->wait(next);
    }
  }

  boost::asio::awaitable<void> probe_uri(std::shared_ptr<turn::Resolver> resolver, turn::Uri uri, bool check) {
    const auto found = co_await monitor::look_up(resolver, uri, Deadline::after(clock, request.timeout), clock);
    if (!found.endpoints) {
      ProbeReport report;
      report.uri = uri;
      report.result = monitor::unresolved(uri, found, clock.system());
      on_report(report);
      co_return;
    }
    for (const auto& endpoint : *found.endpoints) {
      monitor::ProbeTarget target{.endpoint = endpoint,
                                  .credential = request.credential,
                                  .server_name = uri.host,
                                  .tls = tls,
                                  .address_family = request.relayed_family};
      monitor::ProbeOptions options{
          .deadline = Deadline::after(clock, request.timeout), .stop = stop, .throughput = request.throughput};
      options.mtu = request.mtu;
      options.resolve_time = found.took;
      ProbeReport report;
      report.uri = uri;
      report.result = co_await monitor::probe(target, options);
      if (report.result.ok && request.checks && std::exchange(check, false)) {
        auto path = *request.checks;
        path.relay = target;
        options.deadline = Deadline::after(clock, request.timeout);
        report.checks = co_await monitor::check_path(path, options);
      }
      on_report(report);
    }
  }
};

}  // namespace

Result<turn::Uri> probe_uri(const std::string& text) {
  auto uri = turn::Uri::parse(text);
  if (!uri) return fail(uri.error());
  if (uri->scheme != turn::Uri::Scheme::turn && uri->scheme != turn::Uri::Scheme::turns) {
    return fail("cannot probe " + text + ": it names no TURN server", "give turn:HOST:PORT or turns:HOST:PORT");
  }
  return uri;
}

Result<> run_probes(const ProbeRequest& request, std::stop_token stop, const OnReport& on_report) {
  auto tls = turn::make_tls_context(request.tls);
  if (!tls) return fail(tls.error());
  boost::asio::io_context io;
  Probes probes{.request = request, .tls = std::move(*tls), .stop = std::move(stop), .on_report = on_report};
  boost::asio::co_spawn(io, probes.run(), boost::asio::detached);
  io.run();
  return {};
}

Result<monitor::ProbeResult> run_probe(const std::string& text, turn::Credential credential) {
  auto uri = probe_uri(text);
  if (!uri) return fail(uri.error());
  std::optional<monitor::ProbeResult> first;
  const auto done =
      run_probes({.uris = {std::move(*uri)}, .credential = std::move(credential)}, {}, [&](const ProbeReport& report) {
        if (!first) first = report.result;
      });
  if (!done) return fail(done.error());
  return std::move(*first);
}

}  // namespace turnkeeper::cli
