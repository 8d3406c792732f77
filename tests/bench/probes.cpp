// Turnkeeper's full probe, many at the same time, and what it costs in CPU time. Prints one line of JSON.
//
//   probes --relay 127.1.0.1:3478 --secret S --in-flight 50 --count 20000
//   probes --relay 127.0.0.1:5349 --secret S --protocol tls --server-name turn.example.org --ca-file ca.pem --no-resume
#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <map>

#include "monitor/probe/probe.hpp"
#include "tests/bench/usage.hpp"

namespace {

using namespace turnkeeper;
using namespace std::chrono_literals;

struct Run {
  monitor::ProbeTarget target;
  long left = 0;
  long done = 0;
  long failed = 0;
  long resumed = 0;
  std::string first_failure;
};

boost::asio::awaitable<void> probe_on(Run& run) {
  while (run.left > 0) {
    --run.left;
    const auto result = co_await monitor::probe(run.target, {.deadline = Deadline::after(real_clock(), 5s)});
    ++run.done;
    if (result.resumed) ++run.resumed;
    if (result.ok) continue;
    ++run.failed;
    if (run.first_failure.empty()) {
      run.first_failure = std::string(api::cause_name(result.cause)) + ": " + result.detail;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string relay = "127.0.0.1:3478";
  std::string secret;
  std::string ca_file;
  auto protocol = turn::Protocol::udp;
  bool no_resume = false;
  int in_flight = 50;
  Run run{.left = 20'000};
  CLI::App app{"CPU time of full probes"};
  app.add_option("--relay", relay, "ADDRESS:PORT");
  app.add_option("--secret", secret, "the relay's shared secret")->required();
  app.add_option("--protocol", protocol)
      ->transform(CLI::CheckedTransformer(std::map<std::string, turn::Protocol>{{"udp", turn::Protocol::udp},
                                                                                {"tcp", turn::Protocol::tcp},
                                                                                {"tls", turn::Protocol::tls},
                                                                                {"dtls", turn::Protocol::dtls}}));
  app.add_option("--server-name", run.target.server_name);
  app.add_option("--ca-file", ca_file);
  app.add_flag("--no-resume", no_resume);
  app.add_option("--in-flight", in_flight);
  app.add_option("--count", run.left);
  CLI11_PARSE(app, argc, argv);

  const auto address = turn::SocketAddress::parse(relay);
  if (!address) {
    std::fprintf(stderr, "%s\n", address.error().text().c_str());
    return 2;
  }
  run.target.endpoint = {protocol, *address};
  run.target.credential =
      turn::time_limited_credential(Secret(secret), "turnkeeper", std::chrono::system_clock::now() + 1h);
  if (protocol == turn::Protocol::tls || protocol == turn::Protocol::dtls) {
    auto tls = turn::make_tls_context({.ca_file = ca_file, .resume = !no_resume});
    if (!tls) {
      std::fprintf(stderr, "%s\n", tls.error().text().c_str());
      return 2;
    }
    run.target.tls = *tls;
  }

  boost::asio::io_context io(1);
  const auto started = std::chrono::steady_clock::now();
  const double before = bench::cpu_seconds();
  for (int i = 0; i < in_flight; ++i) boost::asio::co_spawn(io, probe_on(run), boost::asio::detached);
  io.run();
  const double cpu = bench::cpu_seconds() - before;
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  std::printf(R"({"cpu_seconds":%.6f,"elapsed_seconds":%.6f,"done":%ld,"failed":%ld,"resumed":%ld,"rss_kib":%ld})"
              "\n",
              cpu, elapsed, run.done, run.failed, run.resumed, bench::resident_kib());
  if (run.failed > 0) std::fprintf(stderr, "first failure: %s\n", run.first_failure.c_str());
}
