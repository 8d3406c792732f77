// An allocation that talks to itself: made on a relay, with a channel bound to its own relayed address, so that what is
// sent on the channel comes back through the relay's whole data path. A full probe makes one and takes it down; a
// canary keeps one standing.
//
//   auto hairpin = std::make_shared<Hairpin>(executor, clock, config, handlers);
//   hairpin->establish(deadline);      // -> on_standing with the first echo's round trip, or on_failed
//   hairpin->send_echo();              // -> on_echo
//   hairpin->release(deadline);        // -> on_released: always, at the deadline at the latest
//
// Runs on one single-threaded executor; callbacks come from there, never from within a call. Lives in a shared_ptr;
// none of its callbacks comes after the last reference was dropped, which a callback may do. Dropping it without
// release() sends one unconfirmed Refresh(0).
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "monitor/probe/cause.hpp"
#include "monitor/probe/probe_result.hpp"
#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/session.hpp"

namespace turnkeeper::monitor {

class Hairpin : public std::enable_shared_from_this<Hairpin> {
 public:
  struct Config {
    turn::SocketAddress server;
    turn::Credential credential;
    std::chrono::milliseconds rto{200};  // first retransmission interval, and between attempts at the first echo
  };
  struct Handlers {
    std::function<void(std::chrono::nanoseconds round_trip)> on_standing;
    // Each echo behind the first; `sequence` is what send_echo() returned.
    std::function<void(std::uint64_t sequence, std::chrono::nanoseconds round_trip)> on_echo;
    // Once, before or after on_standing: it cannot be used (any more). release() is still to be called.
    std::function<void(const Diagnosis&)> on_failed;
    // `confirmed`: the relay answered, or there was nothing to release.
    std::function<void(bool confirmed)> on_released;
  };

  Hairpin(const boost::asio::any_io_executor& executor, const Clock& clock, Config config, Handlers handlers);

  // Once. The deadline is for the first echo to come back.
  void establish(Deadline deadline);
  // Once standing. Returns the echo's sequence, counted from 1. Costs no memory.
  std::uint64_t send_echo();
  // Once standing: asks the relay whether it still has the allocation. on_failed with Cause::restarted if it has not.
  void challenge();
  // At any time, also while it is being made. Ends everything else.
  void release(Deadline deadline);

  // Those of connect, allocate, bind and echo that were reached, the last one perhaps unfinished.
  [[nodiscard]] const std::vector<std::pair<Phase, std::chrono::nanoseconds>>& phases() const { return phases_; }
  // Set once allocated.
  [[nodiscard]] const std::optional<turn::SocketAddress>& relayed_address() const { return relayed_; }

 private:
  static constexpr std::size_t payload_size = 32;  // 16 bytes of identity, 8 of sequence, 8 of padding
  enum class Stage { idle, allocating, binding_channel, echoing, standing, failed, releasing, released };

  // A session on a fresh port.
  [[nodiscard]] Result<> open();
  void begin_sequence();
  void enter(Stage stage, Phase phase);
  void end_phase();
  void on_event(const turn::Event& event);
  void on_data(turn::Bytes payload);
  void on_deadline();
  void on_step();
  void on_unreachable(const std::string& reason);
  [[nodiscard]] Diagnosis silence_of(turn::Operation operation) const;
  void fail(Diagnosis diagnosis);
  void finish_release(bool confirmed);
  void at(boost::asio::steady_timer& timer, SteadyTime time, void (Hairpin::*action)());

  boost::asio::any_io_executor executor_;
  const Clock& clock_;
  Config config_;
  Handlers handlers_;
  std::unique_ptr<turn::Session> session_;
  boost::asio::steady_timer deadline_timer_;
  boost::asio::steady_timer step_timer_;  // when to send a Binding, then when to repeat the first echo
  Stage stage_ = Stage::idle;
  bool binding_answered_ = false;
  bool changed_port_ = false;
  std::uint16_t channel_ = 0;
  std::optional<turn::SocketAddress> relayed_;
  std::vector<std::pair<Phase, std::chrono::nanoseconds>> phases_;
  SteadyTime phase_started_;
  bool in_phase_ = false;
  std::array<std::uint8_t, payload_size> payload_{};
  std::uint64_t sequence_ = 0;
  std::array<SteadyTime, 64> sent_at_{};  // by sequence, the newest ones
};

}  // namespace turnkeeper::monitor
