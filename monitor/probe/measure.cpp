#include "monitor/probe/measure.hpp"

#include <algorithm>
#include <cstring>

#include "turnkeeper/base/random.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

constexpr auto tick = 2ms;
constexpr auto straggler_time = 300ms;
constexpr std::size_t identity_size = 16;

std::vector<std::uint8_t> identified(std::size_t size) {
  std::vector<std::uint8_t> payload(size);
  fill_random(std::span(payload).first(identity_size));
  return payload;
}

bool same_identity(turn::Bytes payload, const std::vector<std::uint8_t>& sent) {
  return payload.size() == sent.size() && std::equal(sent.begin(), sent.begin() + identity_size, payload.begin());
}

}  // namespace

asio::awaitable<Throughput> measure_throughput(std::shared_ptr<Hairpin> hairpin, std::shared_ptr<PayloadSink> sink,
                                               std::shared_ptr<Waiter> waiter, ThroughputPlan plan, Deadline deadline,
                                               const Clock& clock) {
  plan = bounded(plan);
  Throughput result{.size = plan.size};
  auto payload = identified(static_cast<std::size_t>(plan.size));
  // The number of each packet that came back, so that a duplicate counts once.
  std::vector<bool> heard(static_cast<std::size_t>(plan.packets));
  const auto started = clock.steady();
  auto last_heard = started;
  sink->on_payload = [&](turn::Bytes echo) {
    std::uint32_t number = 0;
    if (!same_identity(echo, payload)) return;
    std::memcpy(&number, echo.data() + identity_size, sizeof number);
    if (number >= heard.size() || heard[number]) return;
    heard[number] = true;
    ++result.received;
    last_heard = clock.steady();
    if (result.received == plan.packets) waiter->wake();
  };
  while (result.sent < plan.packets && !waiter->stopped() && !deadline.expired(clock)) {
    const double elapsed = std::chrono::duration<double>(clock.steady() - started).count();
    const int due = std::min(plan.packets, static_cast<int>(elapsed * plan.per_second) + 1);
    for (; result.sent < due; ++result.sent) {
      const auto number = static_cast<std::uint32_t>(result.sent);
      std::memcpy(payload.data() + identity_size, &number, sizeof number);
      hairpin->send(payload);
    }
    co_await waiter->wait(deadline.within(clock, tick));
  }
  const Deadline patience = deadline.within(clock, straggler_time);
  while (result.received < result.sent && !waiter->stopped() && !patience.expired(clock)) {
    co_await waiter->wait(patience);
  }
  sink->on_payload = nullptr;
  result.took = last_heard - started;
  co_return result;
}

asio::awaitable<std::optional<PathMtu>> measure_mtu(std::shared_ptr<Hairpin> hairpin, std::shared_ptr<PayloadSink> sink,
                                                    std::shared_ptr<Waiter> waiter, turn::SocketAddress::Family family,
                                                    std::chrono::nanoseconds patience, Deadline deadline,
                                                    const Clock& clock) {
  constexpr int largest = 1500;
  constexpr int tries = 2;
  const bool ipv4 = family == turn::SocketAddress::Family::ipv4;
  const int overhead = (ipv4 ? 20 : 40) + 8 + static_cast<int>(turn::channel_header_size);
  const auto passes = [&](int bytes) -> asio::awaitable<bool> {
    bool back = false;
    for (int i = 0; i < tries && !back && !waiter->stopped() && !deadline.expired(clock); ++i) {
      const auto payload = identified(static_cast<std::size_t>(bytes - overhead));
      sink->on_payload = [&](turn::Bytes echo) {
        back = back || same_identity(echo, payload);
        if (back) waiter->wake();
      };
      hairpin->send(payload);
      const Deadline step = deadline.within(clock, patience);
      while (!back && !waiter->stopped() && !step.expired(clock)) co_await waiter->wait(step);
      sink->on_payload = nullptr;
    }
    co_return back;
  };

  std::optional<PathMtu> found;
  int low = ipv4 ? 576 : 1280;
  int high = largest + 1;
  // What passes most often first: the search then ends at once.
  if (co_await passes(largest)) co_return PathMtu{largest};
  if (!co_await passes(low)) co_return found;
  high = largest;
  while (high - low > 1 && !waiter->stopped() && !deadline.expired(clock)) {
    const int middle = (low + high) / 2;
    (co_await passes(middle) ? low : high) = middle;
  }
  found = PathMtu{low};
  co_return found;
}

}  // namespace turnkeeper::monitor
