// One timer of Asio for very many: thousands of sessions and canaries share it, and setting a timer costs no memory, no
// system call and no search. Fires at the first multiple of 2 ms of the steady clock that is not before the time asked
// for; what falls on the same one shares a wake-up.
//
//   class Session : public std::enable_shared_from_this<Session> {
//     void on_timeout();
//     TimerOf<Session, &Session::on_timeout> timer_{TimerWheel::of(executor), *this};
//   };
//   timer_.set(now + 100ms); timer_.clear();
//
// Everything happens on the executor, which must not run on several threads at once. Its io_context outlives the
// timers.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <array>
#include <bitset>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/handler_memory.hpp"

namespace turnkeeper::turn {

class TimerWheel final : public boost::asio::execution_context::service {
 public:
  using key_type = TimerWheel;
  static boost::asio::execution_context::id id;
  static constexpr std::chrono::milliseconds tick{2};

  class Timer {
   public:
    explicit Timer(TimerWheel& wheel) : wheel_(wheel) {}
    virtual ~Timer() { clear(); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    // Replaces the time that was set before. A time that is past fires soon, never from within the call.
    void set(SteadyTime at);
    // It does not fire any more.
    void clear();

   protected:
    // Once for each set(). May set, clear or destroy any timer, its own too.
    virtual void on_time() = 0;

   private:
    friend class TimerWheel;
    TimerWheel& wheel_;
    std::int64_t tick_ = 0;   // when to fire; 0: not set
    Timer** link_ = nullptr;  // what points here
    Timer* next_ = nullptr;
  };

  // The one of the executor's io_context.
  [[nodiscard]] static TimerWheel& of(const boost::asio::any_io_executor& executor);

  explicit TimerWheel(boost::asio::execution_context& context) : service(context) {}

 private:
  // A timer that is further away than one turn of the wheel is passed by until its turn comes.
  static constexpr std::int64_t slots = 512;

  void shutdown() override { timer_.reset(); }
  void link(Timer& timer);
  void unlink(Timer& timer);
  // Waits for the first slot that is not empty.
  void arm();
  void turn();

  std::optional<boost::asio::steady_timer> timer_;
  // The handler's too: it may end after the wheel.
  std::shared_ptr<HandlerMemory> memory_ = std::make_shared<HandlerMemory>();
  std::array<Timer*, slots> wheel_{};
  std::bitset<slots> used_;
  std::size_t count_ = 0;
  std::int64_t turned_to_ = 0;  // everything up to here has fired
  std::int64_t armed_for_ = 0;  // 0: not armed
  bool turning_ = false;
};

// Calls a member function of what it is part of, which lives in a shared_ptr and so survives the call.
template <class Owner, void (Owner::*action)()>
class TimerOf final : public TimerWheel::Timer {
 public:
  TimerOf(TimerWheel& wheel, Owner& owner) : Timer(wheel), owner_(owner) {}

 private:
  void on_time() override {
    const auto self = owner_.shared_from_this();
    (owner_.*action)();
  }
  Owner& owner_;
};

}  // namespace turnkeeper::turn
