#include "turnkeeper/turn/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <vector>

namespace turnkeeper::turn {
namespace {

using namespace std::chrono_literals;

SteadyTime now() {
  return std::chrono::steady_clock::now();
}

class Recorder final : public TimerWheel::Timer {
 public:
  Recorder(TimerWheel& wheel, std::function<void()> action) : Timer(wheel), action_(std::move(action)) {}

 private:
  void on_time() override { action_(); }
  std::function<void()> action_;
};

class TimerWheelTest : public testing::Test {
 protected:
  boost::asio::io_context io_;
  TimerWheel& wheel_ = TimerWheel::of(io_.get_executor());
};

TEST_F(TimerWheelTest, ManyTimersFireInOrderAndNoneBeforeItsTime) {
  std::vector<std::unique_ptr<Recorder>> timers;
  std::vector<int> fired;
  int early = 0;
  // Beyond one turn of the wheel, too.
  for (const int milliseconds : {30, 5, 1100, 12, 0, 60}) {
    const auto at = now() + std::chrono::milliseconds(milliseconds);
    timers.push_back(std::make_unique<Recorder>(wheel_, [&, milliseconds, at] {
      fired.push_back(milliseconds);
      if (now() < at) ++early;
    }));
    timers.back()->set(at);
  }
  EXPECT_TRUE(fired.empty()) << "never from within the call";
  io_.run();
  EXPECT_EQ(fired, (std::vector<int>{0, 5, 12, 30, 60, 1100}));
  EXPECT_EQ(early, 0);
}

TEST_F(TimerWheelTest, OnlyTheTimeThatWasSetLastCounts) {
  int calls = 0;
  Recorder later(wheel_, [&] { ++calls; });
  later.set(now() + 5ms);
  later.set(now() + 40ms);
  Recorder cleared(wheel_, [&] { calls += 100; });
  cleared.set(now() + 5ms);
  cleared.clear();
  {
    Recorder gone(wheel_, [&] { calls += 100; });
    gone.set(now() + 5ms);
  }
  io_.run_for(20ms);
  EXPECT_EQ(calls, 0);
  io_.restart();
  io_.run();
  EXPECT_EQ(calls, 1);
}

TEST_F(TimerWheelTest, ATimerMaySetItselfAndDestroyOthersOfTheSameMoment) {
  const auto at = now() + 5ms;
  int calls = 0;
  std::vector<std::unique_ptr<Recorder>> timers(3);
  for (auto& timer : timers) {
    timer = std::make_unique<Recorder>(wheel_, [&] {
      ++calls;
      for (auto& other : timers) {
        if (other != timer) other.reset();
      }
      if (calls < 3) timer->set(now());
    });
    timer->set(at);
  }
  io_.run();
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace turnkeeper::turn
