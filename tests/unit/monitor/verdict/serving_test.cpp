#include "monitor/verdict/serving.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

using enum api::Verdict;

TEST(Serving, ClientsStayInTheirRegionWhileOneRelayThereWorks) {
  const std::vector<RegionHealth> regions = {{"eu", {"us"}, {unhealthy, degraded}}, {"us", {"eu"}, {healthy}}};
  EXPECT_EQ(serving_region(regions, "eu"), "eu");
}

TEST(Serving, ADeadRegionsClientsGoToTheFirstBackupThatWorks) {
  const std::vector<RegionHealth> regions = {
      {"eu", {"us", "ap"}, {unhealthy, draining}}, {"us", {}, {unhealthy}}, {"ap", {}, {healthy}}};
  EXPECT_EQ(serving_region(regions, "eu"), "ap");
}

TEST(Serving, WithoutNamedBackupsAnyOtherRegionTakesOverInTheOrderListed) {
  const std::vector<RegionHealth> regions = {{"ap", {}, {healthy}}, {"eu", {}, {unhealthy}}, {"us", {}, {healthy}}};
  EXPECT_EQ(serving_region(regions, "eu"), "ap");
}

TEST(Serving, AMonitorThatHasJustStartedMovesNobody) {
  const std::vector<RegionHealth> regions = {{"eu", {"us"}, {unknown}}, {"us", {}, {healthy}}};
  EXPECT_EQ(serving_region(regions, "eu"), "eu");
}

TEST(Serving, ABackupThatWasNotLookedAtYetIsBetterThanADeadRegion) {
  const std::vector<RegionHealth> regions = {
      {"eu", {"us", "ap"}, {unhealthy}}, {"us", {}, {unhealthy}}, {"ap", {}, {unknown}}};
  EXPECT_EQ(serving_region(regions, "eu"), "ap");
}

TEST(Serving, AProvenBackupComesBeforeOneThatWasNotLookedAtYet) {
  const std::vector<RegionHealth> regions = {
      {"eu", {"us", "ap"}, {unhealthy}}, {"us", {}, {unknown}}, {"ap", {}, {healthy}}};
  EXPECT_EQ(serving_region(regions, "eu"), "ap");
}

TEST(Serving, ARegionWithoutRelaysIsServedByItsBackup) {
  const std::vector<RegionHealth> regions = {{"eu", {"us"}, {}}, {"us", {}, {healthy}}};
  EXPECT_EQ(serving_region(regions, "eu"), "us");
}

TEST(Serving, WhenEverythingIsDeadNobodyServes) {
  const std::vector<RegionHealth> regions = {{"eu", {"us"}, {unhealthy}}, {"us", {"gone"}, {unhealthy}}};
  EXPECT_EQ(serving_region(regions, "eu"), "");
  EXPECT_EQ(serving_region(regions, "us"), "");
}

}  // namespace
}  // namespace turnkeeper::monitor
