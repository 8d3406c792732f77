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

std::vector<RegionHealth> with_provider(api::Verdict own, api::Verdict provider) {
  return {{.name = "eu", .backups = {"us"}, .relays = {own}, .cost_per_gigabyte = 0.1},
          {.name = "us", .backups = {"eu"}, .relays = {own}, .cost_per_gigabyte = 0.1},
          {.name = "twilio", .backups = {}, .relays = {provider}, .external = true, .cost_per_gigabyte = 0.05}};
}

TEST(Serving, AProviderServesOnceNoneOfOursDoes) {
  EXPECT_EQ(serving_region(with_provider(healthy, healthy), "eu"), "eu");
  EXPECT_EQ(serving_region(with_provider(unhealthy, healthy), "eu"), "twilio");
  EXPECT_EQ(serving_region(with_provider(unhealthy, unhealthy), "eu"), "");
  auto us_lives = with_provider(unhealthy, healthy);
  us_lives[1].relays = {degraded};
  EXPECT_EQ(serving_region(us_lives, "eu"), "us");
}

TEST(Serving, AProviderThatIsTheOnlySourceIsLeftWhenItFails) {
  EXPECT_EQ(serving_region(with_provider(healthy, healthy), "eu", ProviderUse::only), "twilio");
  EXPECT_EQ(serving_region(with_provider(healthy, unhealthy), "eu", ProviderUse::only), "eu");
  EXPECT_EQ(serving_region({{{.name = "eu", .backups = {}, .relays = {healthy}}}}, "eu", ProviderUse::only), "eu")
      << "it has not named a relay yet";
}

TEST(Serving, TheCheapestThatWorksServes) {
  EXPECT_EQ(serving_region(with_provider(healthy, healthy), "eu", ProviderUse::cheapest), "twilio");
  EXPECT_EQ(serving_region(with_provider(healthy, unhealthy), "eu", ProviderUse::cheapest), "eu");
  auto dear = with_provider(healthy, healthy);
  dear[2].cost_per_gigabyte = 0.4;
  EXPECT_EQ(serving_region(dear, "eu", ProviderUse::cheapest), "eu");
}

}  // namespace
}  // namespace turnkeeper::monitor
