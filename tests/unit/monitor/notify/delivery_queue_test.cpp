#include "monitor/notify/delivery_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using Event = Notification::Event;
using Result = Delivery::Result;
using testing::ElementsAre;
using testing::HasSubstr;

Notification started(const std::string& key, Severity severity = Severity::warning) {
  return {.event = Event::incident_started, .severity = severity, .key = key, .title = key + " is down"};
}
Notification ended(const std::string& key) {
  return {.event = Event::incident_resolved,
          .severity = Severity::warning,
          .key = key,
          .title = key + " is well again",
          .ended = SystemTime{}};
}

class DeliveryQueueTest : public testing::Test {
 protected:
  void add(const Notification& notification) { queue_.add(notification, now_); }
  // Delivers all that is due.
  std::vector<std::string> sent() {
    std::vector<std::string> titles;
    while (const auto next = queue_.next(now_)) {
      titles.push_back(next->title);
      queue_.finished({}, now_, 0.5);
    }
    return titles;
  }
  DeliveryQueue queue_{{.max_per_hour = 5}};
  SteadyTime now_{1000h};
};

TEST_F(DeliveryQueueTest, AnIncidentIsOneMessageAndItsEndAnother) {
  add(started("a"));
  add(started("a"));
  EXPECT_THAT(sent(), ElementsAre("a is down"));
  add(started("a"));
  EXPECT_THAT(sent(), ElementsAre());
  add(ended("a"));
  add(ended("a"));
  EXPECT_THAT(sent(), ElementsAre("a is well again"));
  add(started("a"));
  EXPECT_THAT(sent(), ElementsAre("a is down")) << "it fell again";
}

TEST_F(DeliveryQueueTest, GrowthIsToldOnlyWhenItIsGraver) {
  add(started("a"));
  auto grown = started("a");
  grown.event = Event::incident_grew;
  grown.title = "a has grown";
  add(grown);
  EXPECT_THAT(sent(), ElementsAre("a is down"));
  grown.severity = Severity::critical;
  add(grown);
  add(grown);
  EXPECT_THAT(sent(), ElementsAre("a has grown"));
}

TEST_F(DeliveryQueueTest, WhoeverWantsOnlyTheWorstGetsNeitherTheRestNorItsEnd) {
  queue_.set_policy({.min_severity = Severity::critical});
  add(started("a"));
  add(ended("a"));
  add(started("b", Severity::critical));
  add(ended("b"));
  EXPECT_THAT(sent(), ElementsAre("b is down", "b is well again"));
}

TEST_F(DeliveryQueueTest, WhoeverDoesNotWantToHearOfEndsDoesNot) {
  queue_.set_policy({.resolved = false});
  add(started("a"));
  add(ended("a"));
  add(started("a"));
  EXPECT_THAT(sent(), ElementsAre("a is down", "a is down"));
}

TEST_F(DeliveryQueueTest, AFlappingFleetDoesNotFloodAPhone) {
  for (int i = 0; i < 100; ++i) {
    add(started("r" + std::to_string(i)));
    now_ += 1s;
  }
  EXPECT_EQ(sent().size(), 5u);
  EXPECT_EQ(queue_.counts().held, 95u);
  add(ended("r50"));
  EXPECT_THAT(sent(), ElementsAre()) << "the end of what was never told";
  ASSERT_TRUE(queue_.next_time());
  EXPECT_GT(*queue_.next_time(), now_ + 50min);
  now_ = *queue_.next_time();
  const auto summary = queue_.next(now_);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->event, Event::summary);
  EXPECT_EQ(summary->title, "95 more messages were held back");
  EXPECT_THAT(summary->text, HasSubstr("r99 is down"));
}

TEST_F(DeliveryQueueTest, WhatIsCriticalGetsThroughTheFlood) {
  for (int i = 0; i < 20; ++i) add(started("r" + std::to_string(i)));
  add(started("region", Severity::critical));
  EXPECT_THAT(sent(), testing::Contains("region is down"));
}

TEST_F(DeliveryQueueTest, AFailureIsTriedAgainWithGrowingPausesAndOrderStays) {
  add(started("a"));
  add(started("b"));
  std::vector<std::chrono::nanoseconds> pauses;
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(queue_.next(now_));
    EXPECT_EQ(queue_.next(now_)->key, "a");
    EXPECT_FALSE(queue_.finished({Result::retry, {}}, now_, 0));
    EXPECT_FALSE(queue_.next(now_)) << "not at once";
    pauses.push_back(*queue_.next_time() - now_);
    now_ = *queue_.next_time();
  }
  EXPECT_THAT(pauses, ElementsAre(500ms, 1s, 2s, 4s, 8s, 16s));
  EXPECT_THAT(sent(), ElementsAre("a is down", "b is down"));
}

TEST_F(DeliveryQueueTest, TheReceiversWishIsHonoured) {
  add(started("a"));
  queue_.finished({Result::retry, 120s}, now_, 0.9);
  EXPECT_EQ(*queue_.next_time(), now_ + 120s);
}

TEST_F(DeliveryQueueTest, ARefusalIsNotRepeatedAndStopsNothingElse) {
  add(started("a"));
  add(started("b"));
  EXPECT_TRUE(queue_.finished({Result::refused, {}}, now_, 0));
  EXPECT_THAT(sent(), ElementsAre("b is down"));
  EXPECT_EQ(queue_.counts().failed, 1u);
}

TEST_F(DeliveryQueueTest, AReceiverThatIsGoneIsGivenUpAfterAnHour) {
  add(started("a"));
  const auto begun = now_;
  int attempts = 0;
  while (queue_.next(now_)) {
    ++attempts;
    if (queue_.finished({Result::retry, {}}, now_, 1)) break;
    now_ = *queue_.next_time();
    ASSERT_LT(attempts, 100);
  }
  EXPECT_LE(now_ - begun, 1h);
  EXPECT_GT(now_ - begun, 50min);
  EXPECT_LT(attempts, 30);
}

TEST_F(DeliveryQueueTest, TheQueueIsBoundedAndKeepsTheNewest) {
  queue_.set_policy({.max_per_hour = 1000, .capacity = 10});
  for (int i = 0; i < 100; ++i) add(started("r" + std::to_string(i)));
  const auto titles = sent();
  ASSERT_EQ(titles.size(), 10u);
  EXPECT_EQ(titles.back(), "r99 is down");
  EXPECT_EQ(queue_.counts().dropped, 90u);
}

}  // namespace
}  // namespace turnkeeper::monitor
