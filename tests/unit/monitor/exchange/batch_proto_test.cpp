#include "monitor/exchange/batch_proto.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

// Two processes, whose steady clocks have nothing to do with each other.
const SteadyTime there{50'000s};
const SteadyTime here{70s};

TEST(BatchProto, AnObservationArrivesWhole) {
  const Observation sent{.vantage = "us",
                         .usable = false,
                         .cause = api::Cause::data_path,
                         .detail = "no echo for 300 ms",
                         .at = there - 1500ms,
                         .blind = true,
                         .round_trip = 80ms};
  v1::RelayObservation wire;
  to_proto({"ns/calls", "eu", "eu-0"}, sent, there, wire);
  const auto arrived = from_proto(wire, "us", here);
  EXPECT_EQ(arrived.id, (RelayId{"ns/calls", "eu", "eu-0"}));
  EXPECT_TRUE(same_opinion(arrived.observation, sent));
  EXPECT_EQ(arrived.observation.at, here - 1500ms);
  EXPECT_EQ(arrived.observation.round_trip, 80ms);
}

TEST(BatchProto, ARoundTripThatNobodyMeasuredIsNone) {
  const auto arrives = [](std::optional<std::chrono::nanoseconds> round_trip) {
    v1::RelayObservation wire;
    to_proto({"ns/calls", "eu", "eu-0"}, {.vantage = "us", .usable = true, .at = there, .round_trip = round_trip},
             there, wire);
    return from_proto(wire, "us", here).observation.round_trip;
  };
  EXPECT_EQ(arrives({}), std::nullopt);
  EXPECT_EQ(arrives(3ns), 1us) << "but the shortest is one";
  EXPECT_EQ(arrives(2h), 1min);
  EXPECT_EQ(from_proto(v1::RelayObservation(), "us", here).observation.round_trip, std::nullopt)
      << "an older monitor's";
}

TEST(BatchProto, AMemoryArrivesWholeEvenOneOlderThanTheReceiver) {
  const RelayMemory sent{.id = {"ns/calls", "eu", "eu-0"},
                         .verdict = api::Verdict::unhealthy,
                         .cause = api::Cause::auth_secret,
                         .detail = "401",
                         .since = there - 300s,
                         .falls = 4,
                         .usable_since = there - 2s};
  v1::RelayMemory wire;
  to_proto(sent, there, wire);
  auto expected = sent;
  expected.since = here - 300s;
  expected.usable_since = here - 2s;
  EXPECT_EQ(from_proto(wire, here), expected);

  auto unusable = sent;
  unusable.usable_since.reset();
  wire.Clear();
  to_proto(unusable, there, wire);
  EXPECT_FALSE(from_proto(wire, here)->usable_since);
}

}  // namespace
}  // namespace turnkeeper::monitor
