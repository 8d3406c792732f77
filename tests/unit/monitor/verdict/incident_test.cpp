#include "monitor/verdict/incident.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

using api::Cause;
using api::Verdict;
using namespace std::chrono_literals;
using What = IncidentEvent::What;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const RelayId eu0{"calls", "eu", "eu-0"};
const RelayId eu1{"calls", "eu", "eu-1"};
const RelayId eu2{"calls", "eu", "eu-2"};
const RelayId us0{"calls", "us", "us-0"};
const RelayId us1{"calls", "us", "us-1"};
const RelayId other{"other", "eu", "eu-0"};

class IncidentTest : public testing::Test {
 protected:
  IncidentTest() { incidents_.set_relays({eu0, eu1, eu2, us0, us1, other}, clock_.system()); }

  void becomes(const RelayId& id, Verdict verdict, Cause cause = Cause::none) {
    incidents_.judged({id, verdict, cause, "as seen"}, clock_.steady(), clock_.system());
  }
  void falls(const RelayId& id, Cause cause = Cause::connect_timeout) { becomes(id, Verdict::unhealthy, cause); }
  // Waits as a service does, and gives what happened.
  std::vector<IncidentEvent> after(std::chrono::nanoseconds time) {
    const auto end = clock_.steady() + time;
    for (auto next = incidents_.next_time(); next && *next <= end; next = incidents_.next_time()) {
      if (*next > clock_.steady()) clock_.advance(*next - clock_.steady());
      incidents_.on_time(clock_.steady(), clock_.system());
    }
    clock_.advance(end - clock_.steady());
    return incidents_.take_events();
  }

  ManualClock clock_;
  Incidents incidents_;
};

TEST_F(IncidentTest, ADeadRelayIsToldOnceAndItsReturnOnce) {
  falls(eu0);
  const auto fell = clock_.system();
  const auto started = after(1s);
  ASSERT_THAT(started, SizeIs(1));
  EXPECT_EQ(started[0].what, What::started);
  EXPECT_EQ(started[0].incident.scope, Incident::Scope::relay);
  EXPECT_EQ(started[0].incident.started, fell);
  EXPECT_THAT(started[0].incident.relays, ElementsAre(eu0));
  falls(eu0, Cause::connect_refused);
  EXPECT_THAT(after(1min), IsEmpty()) << "another cause of the same death";
  EXPECT_THAT(incidents_.open(), SizeIs(1));
  becomes(eu0, Verdict::healthy);
  const auto ended = after(1s);
  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_EQ(ended[0].what, What::ended);
  EXPECT_EQ(ended[0].incident.key, started[0].incident.key);
  EXPECT_TRUE(ended[0].incident.ended);
  EXPECT_THAT(incidents_.open(), IsEmpty());
}

TEST_F(IncidentTest, ARegionThatLosesPowerIsOneEventThoughEachRelayLooksDifferent) {
  falls(eu0, Cause::connect_timeout);
  clock_.advance(200ms);
  falls(eu1, Cause::connect_refused);
  clock_.advance(300ms);
  falls(eu2, Cause::connect_timeout);
  const auto events = after(10s);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].incident.scope, Incident::Scope::region);
  EXPECT_EQ(events[0].incident.region, "eu");
  EXPECT_EQ(events[0].incident.cause, Cause::connect_timeout);
  EXPECT_THAT(events[0].incident.relays, ElementsAre(eu0, eu1, eu2));
  EXPECT_EQ(events[0].incident.relays_in_scope, 3U);
  becomes(eu0, Verdict::healthy);
  becomes(eu1, Verdict::degraded, Cause::quota);
  EXPECT_THAT(after(1s), IsEmpty()) << "one of them is still down";
  becomes(eu2, Verdict::healthy);
  EXPECT_THAT(after(1s), SizeIs(1));
}

TEST_F(IncidentTest, OneWrongSecretInAllRegionsIsOneEventOfTheCluster) {
  for (const auto& id : {eu0, eu1, eu2, us0, us1}) falls(id, Cause::auth_secret);
  const auto events = after(10s);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].incident.scope, Incident::Scope::cluster);
  EXPECT_EQ(events[0].incident.region, "");
  EXPECT_EQ(events[0].incident.relays_in_scope, 5U);
}

TEST_F(IncidentTest, DifferentReasonsAndDifferentClustersAreDifferentEvents) {
  falls(eu0, Cause::connect_timeout);
  falls(eu1, Cause::auth_secret);
  falls(other, Cause::connect_timeout);
  EXPECT_THAT(after(10s), SizeIs(3));
}

TEST_F(IncidentTest, ARelayThatFallsALittleLaterJoinsAndOneMuchLaterDoesNot) {
  falls(eu0);
  EXPECT_THAT(after(10s), SizeIs(1));
  falls(eu1);
  const auto events = after(5s);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].what, What::grew);
  EXPECT_EQ(events[0].incident.scope, Incident::Scope::region);
  (void)after(1min);
  falls(eu2);
  const auto later = after(5s);
  ASSERT_THAT(later, SizeIs(1));
  EXPECT_EQ(later[0].what, What::started);
}

TEST_F(IncidentTest, ARelayThatIsDegradedForAMomentIsNoIncident) {
  becomes(eu0, Verdict::degraded, Cause::connect_timeout);
  EXPECT_THAT(after(20s), IsEmpty());
  becomes(eu0, Verdict::healthy);
  EXPECT_THAT(after(1min), IsEmpty());
  becomes(eu0, Verdict::degraded, Cause::cert_expired);
  const auto events = after(1min);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].incident.verdict, Verdict::degraded);
  falls(eu0);
  EXPECT_THAT(after(5s), SizeIs(2)) << "the milder incident ends, the graver begins";
}

TEST_F(IncidentTest, ARelayThatWasRemovedLeavesItsIncident) {
  falls(eu0);
  (void)after(5s);
  incidents_.set_relays({eu1, eu2, us0, us1, other}, clock_.system());
  const auto events = after(1s);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].what, What::ended);
}

TEST_F(IncidentTest, DrainingAndUnknownAreNoIncidents) {
  becomes(eu0, Verdict::draining, Cause::draining);
  becomes(eu1, Verdict::unknown);
  EXPECT_THAT(after(5min), IsEmpty());
  EXPECT_FALSE(incidents_.next_time());
}

}  // namespace
}  // namespace turnkeeper::monitor
