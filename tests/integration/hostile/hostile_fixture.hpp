// A probe of a relay that means harm, with what it cost.
#pragma once

#include <gtest/gtest.h>
#include <malloc.h>
#include <time.h>

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "hostile_relay.hpp"
#include "monitor/probe/probe.hpp"

namespace turnkeeper::test {

using namespace std::chrono_literals;
using api::Cause;
using monitor::ProbeResult;

class HostileTest : public ::testing::Test {
 protected:
  static constexpr auto budget = 1000ms;

  // What a relay would have to know to be believed.
  static turn::ScriptedServer honest() {
    turn::ScriptedServer server;
    server.username = "probe";
    server.password = Secret("secret");
    return server;
  }

  // Ends within the budget, having spent at most that much time of its own thread and kept no memory to speak of.
  ProbeResult probe(const turn::Endpoint& endpoint, std::chrono::milliseconds most_cpu = 100ms) {
    monitor::ProbeTarget target;
    target.endpoint = endpoint;
    target.credential = {.username = "probe", .password = Secret("secret")};
    const auto started = real_clock().steady();
    const auto cpu_before = cpu();
    const auto memory_before = mallinfo2().uordblks;
    std::optional<ProbeResult> result;
    {
      boost::asio::io_context io;
      boost::asio::co_spawn(
          io, monitor::probe(std::move(target), {.deadline = Deadline::after(real_clock(), budget), .rto = 100ms}),
          [&](std::exception_ptr error, ProbeResult probed) {
            EXPECT_FALSE(error);
            result = std::move(probed);
          });
      while (!result) io.run_one();
    }
    EXPECT_LT(real_clock().steady() - started, budget + 1s);
    EXPECT_LT(cpu() - cpu_before, most_cpu);
    EXPECT_LT(mallinfo2().uordblks, memory_before + (4U << 20));
    return std::move(*result);
  }

  static void expect(const ProbeResult& result, Cause cause) {
    EXPECT_EQ(result.ok, cause == Cause::none);
    EXPECT_EQ(api::cause_name(result.cause), api::cause_name(cause)) << result.detail;
    if (cause != Cause::none) {
      EXPECT_FALSE(result.detail.empty());
    }
  }

 private:
  static std::chrono::nanoseconds cpu() {
    timespec spent{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
  }
};

}  // namespace turnkeeper::test
