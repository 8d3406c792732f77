#include "turnkeeper/kube/queue.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace turnkeeper::kube {
namespace {

using namespace std::chrono_literals;

class QueueTest : public ::testing::Test {
 protected:
  ManualClock clock;
  WorkQueue<std::string> queue{clock};
};

TEST_F(QueueTest, GivesAKeyOnceHoweverOftenItWasAdded) {
  for (int i = 0; i < 5; ++i) queue.add("a");
  EXPECT_EQ(queue.depth(), 1U);
  EXPECT_EQ(queue.try_pop(), "a");
  EXPECT_FALSE(queue.try_pop());
}

TEST_F(QueueTest, NeverGivesAKeyToTwoWorkersButLosesNoChange) {
  queue.add("a");
  ASSERT_EQ(queue.try_pop(), "a");
  queue.add("a");
  EXPECT_FALSE(queue.try_pop()) << "still being worked on";
  queue.done("a");
  EXPECT_EQ(queue.try_pop(), "a");
  queue.done("a");
  EXPECT_FALSE(queue.try_pop());
}

TEST_F(QueueTest, KeepsTheOrder) {
  queue.add("b");
  queue.add("a");
  EXPECT_EQ(queue.try_pop(), "b");
  EXPECT_EQ(queue.try_pop(), "a");
}

TEST_F(QueueTest, HoldsAKeyUntilItIsTime) {
  queue.add_after("a", 10s);
  queue.add_after("a", 5s);
  queue.add_after("a", 60s);
  clock.advance(4999ms);
  EXPECT_FALSE(queue.try_pop());
  clock.advance(1ms);
  EXPECT_EQ(queue.try_pop(), "a") << "the earliest request counts";
}

TEST_F(QueueTest, WaitsLongerAfterEachFailureOfTheSameKey) {
  const auto due_after = [&](SteadyTime::duration wait) {
    queue.add_after_failure("a");
    clock.advance(wait - 1ns);
    EXPECT_FALSE(queue.try_pop());
    clock.advance(1ns);
    EXPECT_EQ(queue.try_pop(), "a");
    queue.done("a");
  };
  due_after(5ms);
  due_after(10ms);
  due_after(20ms);
  for (int i = 3; i < 17; ++i) due_after(5ms * (1LL << i));
  due_after(655360ms);
  due_after(1000s);
  due_after(1000s);
  queue.forget("a");
  due_after(5ms);
}

TEST(RetryDelays, AHundredFailuresAtOnceThenTenASecond) {
  RetryDelays<int> delays;
  const SteadyTime now{100h};
  for (int key = 0; key < 100; ++key) EXPECT_EQ(delays.next(key, now), 5ms) << key;
  EXPECT_EQ(delays.next(100, now), 100ms);
  EXPECT_EQ(delays.next(101, now), 200ms);
  EXPECT_EQ(delays.next(102, now + 10s), 5ms);
}

TEST_F(QueueTest, WakesAWaitingWorker) {
  std::optional<std::string> got;
  std::jthread worker([&](std::stop_token stop) { got = queue.pop(stop); });
  queue.add("a");
  worker.join();
  EXPECT_EQ(got, "a");
}

TEST_F(QueueTest, StopEndsAWaitingWorker) {
  std::optional<std::string> got = "something";
  std::jthread worker([&](std::stop_token stop) { got = queue.pop(stop); });
  worker.request_stop();
  worker.join();
  EXPECT_FALSE(got);
}

}  // namespace
}  // namespace turnkeeper::kube
