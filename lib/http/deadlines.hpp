// When the connections of a server have waited long enough: one timer for all of them. Each kind of wait has one
// length, so those who began first are due first, and a list for each kind is all the order there has to be.
// Private to lib/http.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::http {

struct Limits;

enum class Wait : std::uint8_t { request, idle, write, heartbeat, linger };

// Somebody who waits. Waits no longer when destroyed.
class Waiting : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual ~Waiting() = default;
  virtual void on_due(Wait wait) = 0;

 private:
  friend class Deadlines;
  SteadyTime due_;
};

class Deadlines : public std::enable_shared_from_this<Deadlines> {
 public:
  Deadlines(boost::asio::io_context& io, const Limits& limits);

  // From now; what it waited for before is forgotten. on_due() comes at most a tenth of the wait, or 100 ms, too late.
  void set(Waiting& waiting, Wait wait);
  static void clear(Waiting& waiting) { waiting.unlink(); }
  // Who has waited longest; null: nobody.
  [[nodiscard]] Waiting* longest(Wait wait);
  void stop();

 private:
  static constexpr std::size_t kinds = 5;
  using List = boost::intrusive::list<Waiting, boost::intrusive::constant_time_size<false>>;

  void arm(SteadyTime due);
  void sweep();

  boost::asio::steady_timer timer_;
  std::array<std::chrono::milliseconds, kinds> lengths_;
  std::chrono::milliseconds slack_;
  std::array<List, kinds> lists_;
  SteadyTime armed_ = SteadyTime::max();
  bool stopped_ = false;
};

}  // namespace turnkeeper::http
