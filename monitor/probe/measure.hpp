// Optional measurements through a standing echo: how much it carries, and how large a packet may be.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>

#include "monitor/probe/hairpin.hpp"
#include "monitor/probe/throughput.hpp"
#include "monitor/probe/waiter.hpp"
#include "turnkeeper/base/deadline.hpp"

namespace turnkeeper::monitor {

// Receives the payloads that a Hairpin's Handlers::on_payload is given, for whichever measurement is under way.
struct PayloadSink {
  std::function<void(turn::Bytes)> on_payload;
};

// Sends the plan's packets at their times and waits for the stragglers: 300 ms, at most until the deadline.
[[nodiscard]] boost::asio::awaitable<Throughput> measure_throughput(std::shared_ptr<Hairpin> hairpin,
                                                                    std::shared_ptr<PayloadSink> sink,
                                                                    std::shared_ptr<Waiter> waiter, ThroughputPlan plan,
                                                                    Deadline deadline, const Clock& clock);

// Searches between 576 (IPv4) or 1280 (IPv6) and 1500 bytes, each size tried twice. `overhead`: what IP, UDP and the
// ChannelData header add to a payload. Nothing when not even the smallest came back.
[[nodiscard]] boost::asio::awaitable<std::optional<PathMtu>> measure_mtu(
    std::shared_ptr<Hairpin> hairpin, std::shared_ptr<PayloadSink> sink, std::shared_ptr<Waiter> waiter,
    turn::SocketAddress::Family family, std::chrono::nanoseconds patience, Deadline deadline, const Clock& clock);

}  // namespace turnkeeper::monitor
