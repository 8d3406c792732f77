// What the tests of full probes have in common.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>

#include "live_relay.hpp"
#include "monitor/probe/probe.hpp"

namespace turnkeeper::monitor {

class ProbeTest : public ::testing::Test {
 protected:
  ProbeResult probe(ProbeTarget target, std::chrono::milliseconds budget = std::chrono::seconds(5),
                    std::stop_token stop = {}) {
    return probe_with(std::move(target), {.deadline = Deadline::after(real_clock(), budget),
                                          .stop = std::move(stop),
                                          .rto = std::chrono::milliseconds(100)});
  }

  ProbeResult probe_with(ProbeTarget target, const ProbeOptions& options) {
    std::optional<ProbeResult> result;
    io.restart();
    boost::asio::co_spawn(io, monitor::probe(std::move(target), options),
                          [&](std::exception_ptr error, ProbeResult probed) {
                            EXPECT_FALSE(error);
                            result = std::move(probed);
                          });
    while (!result && io.run_one() > 0) {
    }
    EXPECT_TRUE(result);
    // Held to its deadline, with room for a busy machine.
    EXPECT_LT(real_clock().steady(), options.deadline.at() + std::chrono::seconds(1));
    return *result;
  }

  static ProbeTarget target(const LiveRelay& relay) {
    return {.endpoint = {turn::Protocol::udp, *turn::SocketAddress::from_ip(relay.host(), relay.port())},
            .credential = relay.credential()};
  }
  static ProbeTarget target(std::uint16_t port) {
    return {.endpoint = {turn::Protocol::udp, *turn::SocketAddress::from_ip("127.0.0.1", port)},
            .credential =
                turn::time_limited_credential(Secret("north"), "test", real_clock().system() + std::chrono::hours(1))};
  }

  static void expect_failure(const ProbeResult& result, api::Cause cause) {
    EXPECT_FALSE(result.ok);
    EXPECT_EQ(api::cause_name(result.cause), api::cause_name(cause)) << result.detail;
    EXPECT_FALSE(result.detail.empty());
  }

  boost::asio::io_context io;
};

}  // namespace turnkeeper::monitor
