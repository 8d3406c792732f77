#include "operator/plan/budget.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;

const SystemTime half = parse_rfc3339("2026-06-16T00:00:00Z").value();  // half of June is over
const api::Budget prices{.monthly = 45, .per_relay = 8, .per_gigabyte = 0.01};

std::map<std::string, RelayFacts> sent(std::uint64_t bytes) {
  return {{"eu-0", {.keys = {}, .agent = AgentState{.sent_bytes = bytes}, .certificate = {}}}};
}

TEST(Budget, CountsARelayForThePartOfTheMonthThatItIsThere) {
  const auto begun = book({}, 0, 2, 0, half);
  EXPECT_EQ(begun.month, "2026-06");
  EXPECT_DOUBLE_EQ(begun.relay_months, 1) << "two relays for half a month";
  EXPECT_DOUBLE_EQ(cost_of(prices, begun), 8);
  EXPECT_DOUBLE_EQ(book(begun, 2, 2, 0, half + 24h).relay_months, 1) << "time alone changes nothing: nothing to write";
  EXPECT_DOUBLE_EQ(book(begun, 2, 4, 0, half + 180h).relay_months, 1.5) << "two more for a quarter";
  EXPECT_DOUBLE_EQ(book(begun, 2, 0, 0, half + 180h).relay_months, 0.5);
}

TEST(Budget, BeginsAnewWithTheMonth) {
  const auto june = book({}, 0, 2, 100, half);
  const auto july = book(june, 2, 2, 0.5, parse_rfc3339("2026-07-01T00:10:00Z").value());
  EXPECT_EQ(july.month, "2026-07");
  EXPECT_DOUBLE_EQ(july.relay_months, 2);
  EXPECT_DOUBLE_EQ(july.gigabytes, 0.5);
  EXPECT_DOUBLE_EQ(book(june, 2, 2, 0, parse_rfc3339("2026-07-11T00:00:00Z").value()).relay_months, 2)
      << "the operator was away, the relays were not";
  EXPECT_EQ(book({}, 0, 1, 0, parse_rfc3339("2026-12-31T23:59:59Z").value()).month, "2026-12");
}

TEST(Budget, AddsTheTraffic) {
  auto ledger = book({}, 0, 2, 0, half);
  for (int i = 0; i < 100; ++i) ledger = book(ledger, 2, 2, 0.01, half);
  EXPECT_DOUBLE_EQ(ledger.gigabytes, 1) << "the hundredths do not get lost";
  EXPECT_FALSE(is_over(prices, ledger));
  ledger = book(ledger, 2, 2, 3699, half);
  EXPECT_DOUBLE_EQ(cost_of(prices, ledger), 45);
  EXPECT_FALSE(is_over(prices, ledger));
  ledger = book(ledger, 2, 2, 1, half);
  EXPECT_TRUE(is_over(prices, ledger));
  EXPECT_EQ(cost_text(prices, ledger), "45.01 of 45.00 USD in this month: 1.0 relays and 3701.0 GB");
}

TEST(Budget, SaysWhatItChangesAndThatItCannotMeasure) {
  auto budget = prices;
  budget.at_limit = api::Budget::AtLimit::lower_bandwidth;
  const auto within = within_budget(budget, book({}, 0, 2, 100, half), true);
  EXPECT_EQ(within.status, api::ConditionStatus::yes);
  EXPECT_EQ(within.message, "about 9.00 of 45.00 USD in this month: 1.0 relays and 100.0 GB");
  const auto over = within_budget(budget, book({}, 0, 2, 4000, half), false);
  EXPECT_EQ(over.status, api::ConditionStatus::no);
  EXPECT_EQ(
      over.message,
      "about 48.00 of 45.00 USD in this month: 1.0 relays and 4000.0 GB (no agent tells what its relay sends); no "
      "relays are added by autoscaling, and new sessions get 1000000 bit/s in this month");
}

TEST(Budget, SurvivesARestartOfTheOperator) {
  const auto ledger = book({}, 0, 2, 12.34, half);
  const auto again = read_ledger({{"budget", to_json(prices, ledger)}});
  EXPECT_EQ(again.month, "2026-06");
  EXPECT_DOUBLE_EQ(again.relay_months, 1);
  EXPECT_DOUBLE_EQ(again.gigabytes, 12.34);
  EXPECT_EQ(read_ledger(nullptr).month, "");
  EXPECT_EQ(read_ledger({{"budget", {{"month", 7}, {"gigabytes", "many"}}}}).gigabytes, 0);
}

TEST(TrafficMeter, CountsWhatIsSentFromTheFirstFigureOn) {
  TrafficMeter meter;
  meter.add(sent(900'000'000'000));
  EXPECT_DOUBLE_EQ(meter.take_gigabytes(noon), 0) << "that was sent before, perhaps in another month";
  meter.add(sent(902'000'000'000));
  EXPECT_DOUBLE_EQ(meter.take_gigabytes(noon), 2);
}

TEST(TrafficMeter, KnowsANewStartFromAnOlderFigure) {
  TrafficMeter meter;
  meter.add(sent(10'000'000'000));
  meter.add(sent(11'000'000'000));
  meter.add(sent(10'900'000'000));  // of another vantage, a moment older
  meter.add(sent(11'000'000'000));
  EXPECT_DOUBLE_EQ(meter.take_gigabytes(noon), 1);
  meter.add(sent(500'000'000));  // the agent was restarted
  EXPECT_DOUBLE_EQ(meter.take_gigabytes(noon + 60s), 0.5);
}

TEST(TrafficMeter, IsBookedOnceAMinuteAndLosesNothing) {
  TrafficMeter meter;
  meter.add(sent(0));
  meter.add(sent(15'000'000));
  EXPECT_DOUBLE_EQ(meter.take_gigabytes(noon), 0.01);
  meter.add(sent(25'000'000));
  EXPECT_DOUBLE_EQ(meter.take_gigabytes(noon + 59s), 0);
  EXPECT_DOUBLE_EQ(meter.take_gigabytes(noon + 60s), 0.01);
  meter.add(sent(30'000'000));
  EXPECT_DOUBLE_EQ(meter.take_gigabytes(noon + 2h), 0.01);
}

}  // namespace
}  // namespace turnkeeper::op
