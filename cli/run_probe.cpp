#include "cli/run_probe.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::cli {
namespace {

boost::asio::awaitable<void> probe_into(monitor::ProbeResult& result, monitor::ProbeTarget target,
                                        monitor::ProbeOptions options) {
  result = co_await monitor::probe_udp(std::move(target), std::move(options));
}

}  // namespace

monitor::ProbeResult run_probe(const monitor::ProbeTarget& target, Deadline deadline) {
  boost::asio::io_context io;
  monitor::ProbeResult result;
  boost::asio::co_spawn(io, probe_into(result, target, {.deadline = deadline}), boost::asio::detached);
  io.run();
  return result;
}

Result<monitor::ProbeTarget> probe_target(const std::string& uri, turn::Credential credential) {
  const auto parsed = turn::Uri::parse(uri);
  if (!parsed) return fail(parsed.error());
  const bool over_udp = parsed->scheme == turn::Uri::Scheme::turn && parsed->transport != turn::Uri::Transport::tcp;
  if (!over_udp) return fail("cannot probe " + uri + ": probes use TURN over UDP", "give turn:HOST:PORT?transport=udp");
  return monitor::ProbeTarget{.host = parsed->host, .port = parsed->port, .credential = std::move(credential)};
}

}  // namespace turnkeeper::cli
