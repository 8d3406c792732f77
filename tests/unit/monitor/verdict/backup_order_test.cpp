#include "monitor/verdict/backup_order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

using Names = std::vector<std::string>;

const Names listed{"asia", "us", "africa"};  // beside eu

// For clients of eu, as these vantages see it.
Names nearest_to_eu(const std::vector<RegionRoundTrips>& vantages, const Names& before = {}) {
  return nearest_first(listed, before, region_distances(vantages)["eu"]);
}

TEST(BackupOrder, TheNearestComesFirst) {
  EXPECT_THAT(nearest_to_eu({{{"eu", 1ms}, {"asia", 180ms}, {"us", 80ms}, {"africa", 120ms}}}),
              ElementsAre("us", "africa", "asia"));
}

TEST(BackupOrder, OfRegionsThatAreAboutAsFarTheFirstListedIsFirst) {
  EXPECT_THAT(nearest_to_eu({{{"eu", 1ms}, {"asia", 98ms}, {"us", 80ms}}}), ElementsAre("asia", "us")) << "not a fifth";
  EXPECT_THAT(nearest_to_eu({{{"eu", 1ms}, {"asia", 6ms}, {"us", 2ms}}}), ElementsAre("asia", "us")) << "not 5 ms";
  EXPECT_THAT(nearest_to_eu({{{"eu", 1ms}, {"asia", 101ms}, {"us", 80ms}}}), ElementsAre("us", "asia"));
}

TEST(BackupOrder, MeasurementsThatWaverMoveNobody) {
  Names order = nearest_to_eu({{{"eu", 1ms}, {"asia", 180ms}, {"us", 80ms}, {"africa", 120ms}}});
  for (const auto us : {118ms, 124ms, 140ms, 90ms, 149ms}) {
    order = nearest_to_eu({{{"eu", 1ms}, {"asia", 180ms}, {"us", us}, {"africa", 120ms}}}, order);
    EXPECT_THAT(order, ElementsAre("us", "africa", "asia")) << us.count();
  }
  order = nearest_to_eu({{{"eu", 1ms}, {"asia", 180ms}, {"us", 151ms}, {"africa", 120ms}}}, order);
  EXPECT_THAT(order, ElementsAre("africa", "us", "asia")) << "but another way is another order";
}

TEST(BackupOrder, ALongRowOfSmallDifferencesDoesNotHideALargeOne) {
  EXPECT_THAT(nearest_to_eu({{{"eu", 1ms}, {"asia", 20ms}, {"us", 16ms}, {"africa", 12ms}}}),
              ElementsAre("us", "africa", "asia"));
}

TEST(BackupOrder, ItIsMeasuredFromTheRegionAndNotFromElsewhere) {
  const RegionRoundTrips in_us{{"eu", 80ms}, {"us", 1ms}, {"asia", 150ms}, {"africa", 300ms}};
  const RegionRoundTrips in_eu{{"eu", 1ms}, {"us", 80ms}, {"asia", 180ms}, {"africa", 40ms}};
  EXPECT_THAT(nearest_to_eu({in_us, in_eu}), ElementsAre("africa", "us", "asia"));
  EXPECT_THAT(nearest_to_eu({in_eu, in_us}), ElementsAre("africa", "us", "asia"));
}

TEST(BackupOrder, AVantageThatIsFarFromTheRegionKnowsOnlyGreatDifferences) {
  EXPECT_THAT(nearest_to_eu({{{"eu", 50ms}, {"asia", 90ms}, {"us", 60ms}}}), ElementsAre("asia", "us"));
  EXPECT_THAT(nearest_to_eu({{{"eu", 10ms}, {"asia", 90ms}, {"us", 60ms}}}), ElementsAre("us", "asia"));
}

// A region is lost with its vantage: that is when its backups are needed.
TEST(BackupOrder, ItOutlivesTheVantageThatMeasuredIt) {
  const RegionRoundTrips in_us{{"eu", 80ms}, {"us", 1ms}, {"asia", 150ms}, {"africa", 160ms}};
  const RegionRoundTrips in_eu{{"eu", 1ms}, {"us", 80ms}, {"asia", 180ms}, {"africa", 40ms}};
  const auto order = nearest_to_eu({in_us, in_eu});
  EXPECT_EQ(nearest_to_eu({in_us}, order), order);
}

TEST(BackupOrder, WhatNobodyHasReachedComesAfterwardsAsListed) {
  Cluster cluster{.name = "calls"};
  for (const auto* name : {"eu", "asia", "us", "africa"}) cluster.regions.emplace_back(Region{.name = name});
  cluster.regions.emplace_back(Region{.name = "twilio", .external = true});
  auto& eu = cluster.regions.front();
  EXPECT_THAT(backup_order(cluster, eu), ElementsAre("asia", "us", "africa"));
  eu.nearest = nearest_to_eu({{{"eu", 1ms}, {"africa", 40ms}}});
  EXPECT_THAT(backup_order(cluster, eu), ElementsAre("africa", "asia", "us"));
  EXPECT_THAT(nearest_to_eu({{{"us", 1ms}, {"africa", 40ms}}}), IsEmpty()) << "nobody has reached eu itself";
  eu.backups = {"us"};
  EXPECT_THAT(backup_order(cluster, eu), ElementsAre("us")) << "what is named counts, and nothing else";
}

TEST(BackupOrder, ARegionThatAnswersLaterTakesItsPlaceAsListed) {
  const auto early = nearest_to_eu({{{"eu", 1ms}, {"us", 2ms}}});
  EXPECT_THAT(nearest_to_eu({{{"eu", 1ms}, {"us", 2ms}, {"asia", 2ms}}}, early), ElementsAre("asia", "us"));
}

TEST(BackupOrder, ItStaysWhenTheFleetChangesUnlessItsRegionsDo) {
  Fleet before{{{.name = "calls"}}};
  before.clusters[0].regions = {{.name = "eu", .nearest = {"us", "asia"}}, {.name = "asia"}, {.name = "us"}};
  Fleet now{{{.name = "calls", .realm = "another"}}};
  now.clusters[0].regions = {{.name = "eu"}, {.name = "asia"}, {.name = "us"}, {.name = "twilio", .external = true}};
  remember_nearest(before, now);
  EXPECT_THAT(now.clusters[0].regions[0].nearest, ElementsAre("us", "asia"));
  Fleet otherwise{{{.name = "calls"}}};
  otherwise.clusters[0].regions = {{.name = "eu"}, {.name = "us"}};
  remember_nearest(now, otherwise);
  EXPECT_THAT(otherwise.clusters[0].regions[0].nearest, IsEmpty());
}

}  // namespace
}  // namespace turnkeeper::monitor
