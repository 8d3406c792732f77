#include "operator/controller/probes.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "turnkeeper/http/client.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;

TEST(Probes, SayWhyTheProcessIsNotReady) {
  std::atomic<bool> ready = false;
  auto probes = Probes::listen("127.0.0.1:0", {.healthy = [] { return Result<>(); },
                                               .ready = [&]() -> Result<> {
                                                 if (!ready) return fail("still reading the cluster's state");
                                                 return {};
                                               },
                                               .metrics = [] { return std::string("a_metric 1\n"); }});
  ASSERT_TRUE(probes) << probes.error().text();
  const auto get = [&](const std::string& target) {
    auto reply = http::fetch("http://" + (*probes)->address(), {.target = target}, Deadline::after(real_clock(), 10s));
    EXPECT_TRUE(reply);
    return *reply;
  };
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(get("/readyz").body, "still reading the cluster's state\n");
  ready = true;
  EXPECT_EQ(get("/readyz").status, 200);
  const auto metrics = get("/metrics");
  EXPECT_EQ(metrics.body, "a_metric 1\n");
  EXPECT_EQ(metrics.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace
}  // namespace turnkeeper::op
