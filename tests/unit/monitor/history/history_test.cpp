#include "monitor/history/history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using api::Cause;
using api::Verdict;

const RelayId eu0{"calls", "eu", "eu-0"};

Fleet fleet_of(int relays) {
  Cluster cluster{.name = "calls"};
  cluster.regions = {{"eu", {}, {}}};
  for (int i = 0; i < relays; ++i) cluster.regions[0].relays.push_back({.name = "eu-" + std::to_string(i)});
  return {{cluster}};
}

class HistoryTest : public testing::Test {
 protected:
  HistoryTest() {
    history_.set_fleet(fleet_of(1));
    history_.on_time();
  }
  void pass(std::chrono::seconds time, History* history = nullptr) {
    for (auto left = time; left > 0s; left -= 5s) {
      clock_.advance(std::min<std::chrono::seconds>(5s, left));
      (history ? *history : history_).on_time();
    }
  }
  std::optional<double> percent(std::chrono::seconds window) {
    return history_.relay(eu0)->uptime(clock_.system(), window).percent();
  }
  ManualClock clock_;
  History history_{clock_};
};

TEST_F(HistoryTest, UptimeIsThePartOfTheKnownTimeInWhichARelayCarriedCalls) {
  pass(10min);
  EXPECT_EQ(percent(RelayHistory::day), std::nullopt) << "nothing was known, which is not the same as up";
  history_.judged(eu0, Verdict::healthy, Cause::none);
  pass(3h);
  history_.judged(eu0, Verdict::unhealthy, Cause::data_path);
  pass(1h);
  EXPECT_NEAR(*percent(RelayHistory::day), 75, 0.1);
  history_.judged(eu0, Verdict::draining, Cause::draining);
  pass(2h);
  EXPECT_NEAR(*percent(RelayHistory::day), 75, 0.1) << "taken out of service on purpose is not down";
  history_.judged(eu0, Verdict::degraded, Cause::quota);
  pass(4h);
  EXPECT_NEAR(*percent(RelayHistory::day), 87.5, 0.1);
}

TEST_F(HistoryTest, AnOldOutageLeavesTheDayButNotTheMonth) {
  history_.judged(eu0, Verdict::unhealthy, Cause::data_path);
  pass(1h);
  history_.judged(eu0, Verdict::healthy, Cause::none);
  pass(25h);
  EXPECT_EQ(percent(RelayHistory::day), 100);
  EXPECT_NEAR(*percent(7 * RelayHistory::day), 100.0 * 25 / 26, 0.1);
  pass(std::chrono::hours(30 * 24));
  EXPECT_EQ(percent(30 * RelayHistory::day), 100);
}

TEST_F(HistoryTest, AStandstillOfTheMonitorIsUnknownTime) {
  history_.judged(eu0, Verdict::healthy, Cause::none);
  pass(1h);
  clock_.advance(10h);  // nobody called on_time(): the process hung, or the machine slept
  history_.on_time();
  EXPECT_EQ(history_.relay(eu0)->uptime(clock_.system(), RelayHistory::day).up, 1h);
}

TEST_F(HistoryTest, AWallClockThatJumpsBreaksNothing) {
  history_.judged(eu0, Verdict::healthy, Cause::none);
  auto* relay = history_.relay(eu0);
  for (const auto by : {std::chrono::hours(1), -std::chrono::hours(2), std::chrono::hours(24 * 400)}) {
    pass(10min);
    relay->echoed(clock_.system(), 3ms);
    clock_.jump(by);
    history_.judged(eu0, Verdict::unhealthy, Cause::data_path);
    pass(1min);
    history_.judged(eu0, Verdict::healthy, Cause::none);
    relay->echoed(clock_.system(), 3ms);
    EXPECT_FALSE(relay->points(clock_.system()).empty());
    const auto segments = relay->segments(clock_.system());
    EXPECT_TRUE(std::ranges::is_sorted(segments, {}, &RelayHistory::Segment::since));
    EXPECT_TRUE(percent(RelayHistory::day));
  }
}

TEST_F(HistoryTest, TheLastDaysVerdictsAreKeptInOrder) {
  history_.judged(eu0, Verdict::healthy, Cause::none);
  pass(2h);
  history_.judged(eu0, Verdict::unhealthy, Cause::data_path);
  const auto fell = clock_.system();
  pass(1min);
  history_.judged(eu0, Verdict::healthy, Cause::none);
  auto segments = history_.relay(eu0)->segments(clock_.system());
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[1], (RelayHistory::Segment{fell, Verdict::unhealthy, Cause::data_path}));
  pass(30h);
  segments = history_.relay(eu0)->segments(clock_.system());
  ASSERT_EQ(segments.size(), 1u) << "what was over a day ago is not shown";
  EXPECT_EQ(segments[0].verdict, Verdict::healthy);
}

TEST_F(HistoryTest, ARelayThatFlapsAllDayTakesNoMoreRoomAndItsOutagesStay) {
  history_.judged(eu0, Verdict::healthy, Cause::none);
  pass(1h);
  history_.judged(eu0, Verdict::unhealthy, Cause::connect_timeout);
  pass(1h);
  for (int i = 0; i < 2000; ++i) {
    history_.judged(eu0, i % 2 ? Verdict::unhealthy : Verdict::healthy, Cause::none);
    clock_.advance(2s);
  }
  const auto segments = history_.relay(eu0)->segments(clock_.system());
  EXPECT_LE(segments.size(), RelayHistory::most_segments);
  EXPECT_THAT(segments, testing::Contains(testing::Field(&RelayHistory::Segment::cause, Cause::connect_timeout)));
}

TEST_F(HistoryTest, RoundTripsAndLossBecomeOnePointEach15Seconds) {
  auto* relay = history_.relay(eu0);
  EXPECT_TRUE(relay->points(clock_.system()).empty());
  for (const auto ms : {2ms, 4ms, 6ms}) relay->echoed(clock_.system(), ms);
  relay->echo_lost(clock_.system());
  clock_.advance(30s);
  relay->echoed(clock_.system(), 9ms);
  const auto points = relay->points(clock_.system());
  ASSERT_EQ(points.size(), 3u);
  EXPECT_FLOAT_EQ(points[0].min_ms, 2);
  EXPECT_FLOAT_EQ(points[0].mean_ms, 4);
  EXPECT_FLOAT_EQ(points[0].max_ms, 6);
  EXPECT_EQ(points[0].lost, 1);
  EXPECT_EQ(points[1].received, 0) << "a gap is a gap";
  EXPECT_FLOAT_EQ(points[2].mean_ms, 9);
  clock_.advance(2h);
  EXPECT_TRUE(relay->points(clock_.system()).empty());
}

TEST_F(HistoryTest, FailoversOfTheLastDayAreKept) {
  history_.failed_over({.at = clock_.system(), .cluster = "calls", .region = "eu", .from = "eu", .to = "us"});
  clock_.advance(20h);
  history_.failed_over({.at = clock_.system(), .cluster = "calls", .region = "eu", .from = "us", .to = "eu"});
  ASSERT_EQ(history_.failovers().size(), 2u);
  EXPECT_TRUE(history_.failovers()[0].is_return()) << "newest first";
  clock_.advance(10h);
  EXPECT_EQ(history_.failovers().size(), 1u);
}

TEST_F(HistoryTest, ARestartDoesNotEraseIt) {
  history_.judged(eu0, Verdict::healthy, Cause::none);
  pass(5h);
  history_.judged(eu0, Verdict::unhealthy, Cause::data_path);
  pass(1h);
  history_.failed_over({.at = clock_.system(), .cluster = "calls", .region = "eu", .from = "eu", .to = "us"});
  const auto saved = history_.save();

  clock_.advance(2h);  // nobody watched
  History later(clock_);
  ASSERT_TRUE(later.restore(saved));
  later.set_fleet(fleet_of(1));
  later.judged(eu0, Verdict::healthy, Cause::none);
  pass(1h, &later);
  const auto uptime = later.relay(eu0)->uptime(clock_.system(), RelayHistory::day);
  EXPECT_NEAR(uptime.up / 1s, 6 * 3600, 10);
  EXPECT_NEAR(uptime.down / 1s, 3600, 10);
  std::vector<Verdict> verdicts;
  for (const auto& segment : later.relay(eu0)->segments(clock_.system())) verdicts.push_back(segment.verdict);
  EXPECT_THAT(verdicts, testing::ElementsAre(Verdict::healthy, Verdict::unhealthy, Verdict::unknown, Verdict::healthy))
      << "the time between is not counted as what it was before";
  EXPECT_EQ(later.failovers(), history_.failovers());
}

TEST_F(HistoryTest, WhatIsNoHistoryIsRefusedWhole) {
  const auto saved = history_.save();
  std::string later = saved;
  later.replace(later.find("\"version\":1"), 11, "\"version\":2");
  for (const auto& text : {std::string(), std::string("{}"), saved.substr(0, saved.size() / 2),
                           std::string(R"({"format":"turnkeeper-history","version":1,"saved":"x"})"), later}) {
    History other(clock_);
    EXPECT_FALSE(other.restore(text)) << text;
    other.set_fleet(fleet_of(1));
    EXPECT_EQ(other.relay(eu0)->segments(clock_.system()).size(), 1u);
  }
}

TEST_F(HistoryTest, AThousandRelaysFitInEightMebibytes) {
  const auto before = mallinfo2().uordblks;
  History history(clock_);
  history.set_fleet(fleet_of(1000));
  history.on_time();
  for (int i = 0; i < 1000; ++i) {
    const RelayId id{"calls", "eu", "eu-" + std::to_string(i)};
    history.relay(id)->echoed(clock_.system(), 3ms);
    for (int flap = 0; flap < 200; ++flap) {
      history.relay(id)->judged(clock_.system() + std::chrono::seconds(flap),
                                flap % 2 ? Verdict::unhealthy : Verdict::healthy, Cause::data_path);
    }
  }
  clock_.advance(5s);
  history.on_time();
  const auto used = mallinfo2().uordblks - before;
  if (used > 0) {  // sanitizers have allocators of their own
    EXPECT_LT(used, 8u << 20U);
  }
}

}  // namespace
}  // namespace turnkeeper::monitor
