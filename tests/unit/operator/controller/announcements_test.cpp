#include "operator/controller/announcements.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

json status(const std::string& verdict, const std::string& served_by, bool stalled = false) {
  return {{"regions", {{{"name", "eu"}, {"verdict", verdict}, {"servedBy", served_by}}}},
          {"conditions",
           {{{"type", "Stalled"},
             {"status", stalled ? "True" : "False"},
             {"reason", "R"},
             {"message", "signing keys cannot be read"},
             {"lastTransitionTime", "2026-08-01T12:00:00Z"}}}}};
}

std::vector<std::string> reasons(const std::vector<Announcement>& all) {
  std::vector<std::string> out;
  for (const auto& announcement : all) out.push_back(announcement.reason);
  return out;
}

TEST(Announcements, AtRestNothingIsSaid) {
  EXPECT_THAT(announcements(status("Healthy", "eu"), status("Healthy", "eu"), {}), IsEmpty());
}

TEST(Announcements, TheFirstPassSaysWhatIsSetUp) {
  const auto said = announcements(nullptr, status("Unknown", ""), {.created = {"Secret calls"}, .restored = {}});
  EXPECT_THAT(said, ElementsAre(Announcement{kube::EventType::normal, "Created", "the relays of eu are being set up"}));
}

TEST(Announcements, ARestartInTheMiddleDoesNotRepeatIt) {
  EXPECT_THAT(announcements(status("Unknown", ""), status("Unknown", ""), {.created = {"Service x"}, .restored = {}}),
              IsEmpty());
}

TEST(Announcements, AFailingRegionSaysWhoTakesOver) {
  const auto said = announcements(status("Healthy", "eu"), status("Unhealthy", "us"), {});
  EXPECT_THAT(said, ElementsAre(Announcement{kube::EventType::warning, "RegionFailing",
                                             "region eu: no relay works; its clients are sent to us"}));
  EXPECT_THAT(announcements(status("Unhealthy", "us"), status("Unhealthy", "us"), {}), IsEmpty());
}

TEST(Announcements, ARecoveredRegionIsSaidOnce) {
  EXPECT_THAT(reasons(announcements(status("Unhealthy", "us"), status("Degraded", "eu"), {})),
              ElementsAre("RegionRecovered"));
  EXPECT_THAT(announcements(status("Unhealthy", "us"), status("Unknown", "us"), {}), IsEmpty())
      << "not knowing is no recovery";
}

TEST(Announcements, RepairedDriftNamesTheObjects) {
  const auto said = announcements(status("Healthy", "eu"), status("Healthy", "eu"),
                                  {.created = {}, .restored = {"Service calls-eu", "ConfigMap calls-eu"}});
  EXPECT_THAT(said, ElementsAre(Field(&Announcement::message,
                                      "restored what was changed or deleted by someone else: Service calls-eu, "
                                      "ConfigMap calls-eu")));
}

TEST(Announcements, ARotationThatIsBlockedSaysByWhatOnce) {
  json blocked = status("Healthy", "eu");
  blocked["conditions"].push_back({{"type", "CredentialsCurrent"},
                                   {"status", "False"},
                                   {"reason", "RelayNotProven"},
                                   {"message", "waits for eu-0"},
                                   {"lastTransitionTime", "2026-08-01T12:00:00Z"}});
  EXPECT_THAT(announcements(status("Healthy", "eu"), blocked, {}),
              ElementsAre(Announcement{kube::EventType::warning, "RotationBlocked", "waits for eu-0"}));
  EXPECT_THAT(announcements(blocked, blocked, {}), IsEmpty());
}

TEST(Announcements, AStalledClusterSaysWhyOnce) {
  const auto said = announcements(status("Healthy", "eu"), status("Healthy", "eu", true), {});
  EXPECT_THAT(said, ElementsAre(Announcement{kube::EventType::warning, "Stalled", "signing keys cannot be read"}));
  EXPECT_THAT(announcements(status("Healthy", "eu", true), status("Healthy", "eu", true), {}), IsEmpty());
}

TEST(SiteAnnouncements, ASiteThatIsNotUsedAnyMoreWasNotReached) {
  const std::map<std::string, std::string> before = {{"us-east", "no route"}, {"us-esat", "there is no such Secret"}};
  const auto told = site_announcements(before, {}, {"", "us-east"}, {});
  ASSERT_EQ(told.size(), 1u) << "a kubeconfigSecret that was corrected";
  EXPECT_EQ(told[0].reason, "SiteReached");
  EXPECT_NE(told[0].message.find("us-east"), std::string::npos);
}

}  // namespace
}  // namespace turnkeeper::op
