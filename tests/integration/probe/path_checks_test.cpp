// What only somebody with a credential can find out, asked of real relays.
#include "monitor/probe/path_checks.hpp"

#include <gmock/gmock.h>

#include "prober.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using api::Cause;

class PathCheckTest : public ProbeTest {
 protected:
  PathReport check(
      const LiveRelay& relay, const std::function<void(PathTarget&)>& prepare = [](PathTarget&) {}) {
    PathTarget path{.relay = target(relay)};
    prepare(path);
    std::optional<PathReport> report;
    io.restart();
    ProbeOptions options{.deadline = Deadline::after(real_clock(), 5s), .rto = 100ms};
    boost::asio::co_spawn(io, check_path(std::move(path), options), [&](std::exception_ptr error, PathReport done) {
      EXPECT_FALSE(error);
      report = std::move(done);
    });
    while (!report && io.run_one() > 0) {
    }
    EXPECT_EQ(relay.wait_for_allocations(0), 0);
    return *report;
  }
};

TEST_F(PathCheckTest, ARelayWithoutADenyListIsOpenToItsOwnNetwork) {
  for (const char* program : {"turnserver", LiveRelay::newest}) {
    LiveRelay relay({.program = program});
    const auto report = check(relay);
    ASSERT_EQ(report.findings.size(), 1U) << program;
    EXPECT_EQ(report.findings[0].cause, Cause::ssrf_open);
    // The newest coturn denies the metadata address by itself, and nothing else.
    if (program != std::string(LiveRelay::newest)) {
      EXPECT_THAT(report.findings[0].detail, testing::HasSubstr("169.254.169.254"));
    }
    EXPECT_THAT(report.findings[0].detail, testing::HasSubstr("10.0.0.1"));
    EXPECT_THAT(report.findings[0].detail, testing::Not(testing::HasSubstr("127.0.0.1,"))) << "its own address";
  }
}

TEST_F(PathCheckTest, WhatIsOpenOnPurposeIsNoFinding) {
  LiveRelay relay;
  auto report = check(relay, [](PathTarget& path) { path.allowed_peers = {*parse_range("10.0.0.0/8")}; });
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_THAT(report.findings[0].detail, testing::Not(testing::HasSubstr("10.0.0.1,")));
  EXPECT_THAT(report.findings[0].detail, testing::HasSubstr("192.168.0.1")) << "the rest is still asked for";
  report = check(relay, [](PathTarget& path) {
    path.allowed_peers = {*parse_range("0.0.0.0/0"), *parse_range("::/0")};
  });
  EXPECT_TRUE(report.findings.empty());
}

TEST_F(PathCheckTest, ARelayAsWeConfigureItIsClosed) {
  for (const char* program : {"turnserver", LiveRelay::newest}) {
    LiveRelay relay({.program = program, .deny_special_peers = true});
    const auto report = check(relay);
    EXPECT_TRUE(report.findings.empty()) << program << ": " << report.findings[0].detail;
    EXPECT_GT(report.asked, 10);
    EXPECT_EQ(report.answered, report.asked);
  }
}

TEST_F(PathCheckTest, Ipv6HasDoorsOfItsOwn) {
  // 4.6.1 takes IPv4 addresses inside IPv6 ones although the IPv4 ranges are denied.
  LiveRelay relay({.extra_config = "relay-ip=::1\nlistening-ip=::1\ndenied-peer-ip=10.0.0.0-10.255.255.255\n"
                                   "denied-peer-ip=169.254.0.0-169.254.255.255"});
  const auto report = check(relay);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_THAT(report.findings[0].detail, testing::HasSubstr("::ffff:10.0.0.1"));
  EXPECT_THAT(report.findings[0].detail, testing::HasSubstr("fd00:ec2::254"));
}

TEST_F(PathCheckTest, KeysAndUserNamesThatMustNotWorkAreTried) {
  LiveRelay relay({.deny_special_peers = true});
  const auto good = relay.credential();
  const auto refused = check(relay, [&](PathTarget& path) {
    path.expired = relay.credential(-1h);
    path.old_keys = {{"k1", turn::time_limited_credential(Secret("gone"), "test", real_clock().system() + 1h)}};
  });
  EXPECT_TRUE(refused.findings.empty());
  // A relay that still has the key, and one whose clock is far behind.
  const auto accepted = check(relay, [&](PathTarget& path) {
    path.expired = good;
    path.old_keys = {{"k1", good}};
  });
  ASSERT_EQ(accepted.findings.size(), 2U);
  EXPECT_EQ(accepted.findings[0].cause, Cause::old_key_accepted);
  EXPECT_THAT(accepted.findings[0].detail, testing::HasSubstr("k1"));
  EXPECT_EQ(accepted.findings[1].cause, Cause::expired_accepted);
}

TEST_F(PathCheckTest, ADeadRelayGivesNoAnswerAndNoFinding) {
  LiveRelay relay;
  relay.kill();
  PathTarget path{.relay = target(relay)};
  std::optional<PathReport> report;
  ProbeOptions options{.deadline = Deadline::after(real_clock(), 1s), .rto = 100ms};
  boost::asio::co_spawn(io, check_path(std::move(path), options),
                        [&](std::exception_ptr, PathReport done) { report = std::move(done); });
  while (!report && io.run_one() > 0) {
  }
  EXPECT_TRUE(report->findings.empty());
  EXPECT_EQ(report->answered, 0);
}

}  // namespace
}  // namespace turnkeeper::monitor
