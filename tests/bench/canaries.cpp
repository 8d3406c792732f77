// A thousand standing canaries and nothing else: CPU time for each echo, memory, and how far from its time an echo is
// sent. Prints one line of JSON.
//
//   canaries --relay 127.1.0.1:3478 --relays 1000 --secret S --seconds 10
//
// The timer error is how far the time between two echoes of a canary is from the interval.
#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <memory>
#include <vector>

#include "monitor/canary/canary.hpp"
#include "tests/bench/usage.hpp"

namespace {

using namespace turnkeeper;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

// When one canary sent its echoes, from the start of the measurement.
struct Rhythm {
  std::vector<SteadyTime> sent;

  void add_errors(std::vector<nanoseconds>& errors, nanoseconds interval) const {
    for (std::size_t i = 1; i < sent.size(); ++i) {
      const nanoseconds error = sent[i] - sent[i - 1] - interval;
      errors.push_back(error < nanoseconds(0) ? -error : error);
    }
  }
};

double milliseconds(nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

int main(int argc, char** argv) {
  std::string relay = "127.1.0.1:3478";
  std::string secret;
  int relays = 1000;
  int interval_ms = 100;
  double seconds = 10;
  CLI::App app{"CPU time of standing canaries"};
  app.add_option("--relay", relay, "ADDRESS:PORT of the first relay; the others' addresses follow");
  app.add_option("--secret", secret, "the relays' shared secret")->required();
  app.add_option("--relays", relays);
  app.add_option("--interval-ms", interval_ms);
  app.add_option("--seconds", seconds);
  CLI11_PARSE(app, argc, argv);
  const auto first = turn::SocketAddress::parse(relay);
  if (!first) {
    std::fprintf(stderr, "%s\n", first.error().text().c_str());
    return 2;
  }
  const auto ip = [&](int number) {
    const auto bytes = first->ip();
    const auto value = (std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 |
                        std::uint32_t{bytes[3]}) +
                       static_cast<std::uint32_t>(number);
    const std::array<std::uint8_t, 4> next{static_cast<std::uint8_t>(value >> 24),
                                           static_cast<std::uint8_t>(value >> 16),
                                           static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
    return turn::SocketAddress(next, first->port());
  };

  boost::asio::io_context io(1);
  const auto ground = std::make_shared<monitor::CanaryGround>(io.get_executor(), real_clock());
  const auto credential =
      turn::time_limited_credential(Secret(secret), "turnkeeper", std::chrono::system_clock::now() + 1h);
  long echoes = 0;
  long losses = 0;
  bool measuring = false;
  std::vector<Rhythm> rhythms(static_cast<std::size_t>(relays));
  std::vector<std::unique_ptr<monitor::Canary>> canaries;
  for (int i = 0; i < relays; ++i) {
    Rhythm& rhythm = rhythms[static_cast<std::size_t>(i)];
    rhythm.sent.reserve(static_cast<std::size_t>(seconds * 1000 / interval_ms) + 8);
    const auto address = ip(i);
    monitor::CanaryOptions options{
        .vantage = "bench",
        .uri = {.host = address.ip_string(), .port = address.port(), .transport = turn::Uri::Transport::udp},
        .policy = {.interval = std::chrono::milliseconds(interval_ms)},
        .ground = ground};
    options.credential = [&]() -> Result<turn::Credential> { return credential; };
    options.on_sent = [&] {
      if (measuring) rhythm.sent.push_back(std::chrono::steady_clock::now());
    };
    options.on_echo = [&](nanoseconds) { ++echoes; };
    options.on_loss = [&] { ++losses; };
    canaries.push_back(std::make_unique<monitor::Canary>(io.get_executor(), real_clock(), std::move(options)));
  }
  boost::asio::steady_timer timer(io);
  std::size_t started = 0;
  // A few in each millisecond, as a relay's side would also see it.
  std::function<void()> start_some = [&] {
    for (int i = 0; i < 4 && started < canaries.size(); ++i) canaries[started++]->start();
    timer.expires_after(1ms);
    if (started < canaries.size()) timer.async_wait([&](auto) { start_some(); });
  };
  start_some();
  io.run_for(3s);

  measuring = true;
  echoes = losses = 0;
  const auto began = std::chrono::steady_clock::now();
  const double before = bench::cpu_seconds();
  io.run_for(std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(seconds)));
  const double cpu = bench::cpu_seconds() - before;
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const long resident = bench::resident_kib();

  std::vector<nanoseconds> errors;
  for (const auto& rhythm : rhythms) rhythm.add_errors(errors, std::chrono::milliseconds(interval_ms));
  std::ranges::sort(errors);
  const auto percentile = [&](double share) {
    return errors.empty()
               ? 0.0
               : milliseconds(errors[static_cast<std::size_t>(share * static_cast<double>(errors.size() - 1))]);
  };
  std::printf(
      R"({"cpu_seconds":%.6f,"elapsed_seconds":%.6f,"done":%ld,"failed":%ld,"rss_kib":%ld,"error_p50_ms":%.3f,"error_p99_ms":%.3f,"error_max_ms":%.3f})"
      "\n",
      cpu, elapsed, echoes, losses, resident, percentile(0.5), percentile(0.99), percentile(1));
}
