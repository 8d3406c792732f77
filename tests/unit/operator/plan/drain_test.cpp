#include "operator/plan/drain.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using api::Verdict;

RelayPod marked() {
  auto pod = relay("eu", 0);
  pod.draining = noon;
  return pod;
}

VantageReport says(Verdict verdict, const std::string& vantage = "home", SystemTime heard = noon) {
  return report({{"eu-0", {.verdict = verdict, .cause = {}, .since = noon}}}, heard, vantage);
}

TEST(Drain, WaitsUntilEveryVantageHasMovedTheClients) {
  const auto pod = marked();
  EXPECT_FALSE(clients_moved(pod, {says(Verdict::healthy)}, noon + 6s));
  EXPECT_FALSE(clients_moved(pod, {says(Verdict::draining), says(Verdict::healthy, "away")}, noon + 6s))
      << "the clients of one monitor still get it";
  EXPECT_TRUE(clients_moved(pod, {says(Verdict::draining), says(Verdict::draining, "away")}, noon + 1s));
  EXPECT_TRUE(clients_moved(pod, {says(Verdict::unhealthy)}, noon + 1s)) << "nobody is sent there anyway";
}

TEST(Drain, DoesNotWaitForAVantageThatFellSilent) {
  EXPECT_TRUE(clients_moved(marked(), {says(Verdict::draining), says(Verdict::healthy, "gone", noon - 1min)}, noon));
}

TEST(Drain, WaitsAMomentWhenNoMonitorIsHeard) {
  const auto pod = marked();
  EXPECT_FALSE(clients_moved(pod, {}, noon + 4s));
  EXPECT_EQ(next_look_at(pod, {}, noon + 4s), noon + 5s);
  EXPECT_TRUE(clients_moved(pod, {}, noon + 5s));
  EXPECT_EQ(next_look_at(pod, {}, noon + 5s), std::nullopt);
}

TEST(Drain, AMonitorThatDoesNotListenCannotHoldItUpForEver) {
  const auto pod = marked();
  const std::vector<VantageReport> deaf = {says(Verdict::healthy, "deaf", noon + 59s)};
  EXPECT_FALSE(clients_moved(pod, deaf, noon + 59s));
  EXPECT_EQ(next_look_at(pod, deaf, noon + 59s), noon + 60s);
  EXPECT_TRUE(clients_moved(pod, deaf, noon + 60s));
}

TEST(Drain, AClockThatWasPutBackDoesNotKeepARelayMarkedForDays) {
  EXPECT_TRUE(clients_moved(marked(), {says(Verdict::healthy, "home", noon - 48h)}, noon - 48h));
}

TEST(Drain, NobodyIsOnAPodThatDoesNotRunAndNobodyWasMovedFromOneWithoutAMark) {
  EXPECT_FALSE(clients_moved(relay("eu", 0), {says(Verdict::draining)}, noon + 1h));
  auto pod = relay("eu", 0);
  pod.running = false;
  EXPECT_TRUE(clients_moved(pod, {}, noon));
}

}  // namespace
}  // namespace turnkeeper::op
