#include "monitor/notify/notification.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using What = IncidentEvent::What;

const SystemTime begun{1'700'000'000s};

Incident one_relay() {
  return {.key = "k",
          .scope = Incident::Scope::relay,
          .cluster = "calls",
          .region = "eu",
          .cause = api::Cause::data_path,
          .relays = {{"calls", "eu", "eu-0"}},
          .relays_in_scope = 3,
          .started = begun};
}
Incident whole_region() {
  auto incident = one_relay();
  incident.scope = Incident::Scope::region;
  incident.relays = {{"calls", "eu", "eu-0"}, {"calls", "eu", "eu-1"}, {"calls", "eu", "eu-2"}};
  return incident;
}

TEST(IncidentNotification, OneRelayIsAWarningThatNamesIt) {
  const auto notification = incident_notification({What::started, one_relay()});
  EXPECT_EQ(notification.title, "Relay eu-0 is down: data-path");
  EXPECT_EQ(notification.severity, Severity::warning);
}

TEST(IncidentNotification, AWholeRegionIsCriticalAndOneMessage) {
  const auto notification = incident_notification({What::grew, whole_region()});
  EXPECT_EQ(notification.title, "All 3 relays of region eu are down: data-path");
  EXPECT_EQ(notification.severity, Severity::critical);
  EXPECT_EQ(notification.event, Notification::Event::incident_grew);
  EXPECT_EQ(notification.relay_count, 3u);
}

TEST(IncidentNotification, AThousandRelaysAreCountedNotListed) {
  auto incident = whole_region();
  incident.relays.assign(1000, {"calls", "eu", "eu-0"});
  incident.relays_in_scope = 1500;
  const auto notification = incident_notification({What::started, incident});
  EXPECT_EQ(notification.title, "1000 of 1500 relays of region eu are down: data-path");
  EXPECT_LE(notification.relays.size(), 20u);
  EXPECT_EQ(notification.relay_count, 1000u);
}

TEST(IncidentNotification, ItsEndSaysSo) {
  auto incident = one_relay();
  incident.ended = begun + 60s;
  const auto notification = incident_notification({What::ended, incident});
  EXPECT_EQ(notification.title, "Relay eu-0 is well again");
  EXPECT_EQ(notification.ended, begun + 60s);
  EXPECT_EQ(notification.event, Notification::Event::incident_resolved);
}

TEST(FailoverNotification, SaysWhereTheCallsGoAndWhenTheyCameBack) {
  const Failover away{.at = begun, .cluster = "calls", .region = "eu", .from = "eu", .to = "us"};
  const Failover back{.at = begun + 90s, .cluster = "calls", .region = "eu", .from = "us", .to = "eu"};
  const Failover nobody{.at = begun, .cluster = "calls", .region = "eu", .from = "eu", .to = ""};
  EXPECT_EQ(failover_notification(away, {}).title, "Region eu is served by us");
  EXPECT_EQ(failover_notification(nobody, {}).title, "Nobody serves region eu");
  const auto end = failover_notification(back, begun);
  EXPECT_EQ(end.key, failover_notification(away, {}).key);
  EXPECT_EQ(end.started, begun);
  EXPECT_EQ(end.ended, begun + 90s);
}

}  // namespace
}  // namespace turnkeeper::monitor
