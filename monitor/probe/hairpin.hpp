// An allocation that talks to itself: made on a relay, with a channel bound to its own relayed address, so that what is
// sent on the channel comes back through the relay's whole data path. A full probe makes one and takes it down; a
// canary keeps one standing. Where the relay refuses its own address as a peer (403), a second allocation is made, and
// the two talk to each other.
//
//   auto hairpin = std::make_shared<Hairpin>(executor, clock, std::move(config), handlers);
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
#include "turnkeeper/turn/timer_wheel.hpp"
#include "turnkeeper/turn/transport.hpp"

namespace turnkeeper::monitor {

class Hairpin : public std::enable_shared_from_this<Hairpin> {
 public:
  // Opens another transport to the same server, from a fresh port, and calls `done` with it once, perhaps from within
  // the call.
  using Open = std::function<void(std::function<void(Result<std::unique_ptr<turn::Transport>>)> done)>;
  struct Config {
    std::unique_ptr<turn::Transport> transport;  // open and not started
    turn::Credential credential;
    // Used once if the relay says 437 (another allocation on this 5-tuple is not long over), and once for the second
    // allocation of a pair. Empty: neither is tried.
    Open open_another;
    std::optional<turn::SocketAddress::Family> address_family;  // of the relayed address; nothing: the relay's choice
    std::chrono::milliseconds rto{200};  // first retransmission interval, and between attempts at the first echo
  };
  struct Handlers {
    std::function<void(std::chrono::nanoseconds round_trip)> on_standing;
    // Each echo behind the first; `sequence` is what send_echo() returned.
    std::function<void(std::uint64_t sequence, std::chrono::nanoseconds round_trip)> on_echo;
    // What send() sent and the relay brought back. May be empty.
    std::function<void(turn::Bytes payload)> on_payload;
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
  // Once standing: a payload of the caller's, of another length than an echo's (32 bytes).
  void send(turn::Bytes payload);
  // Once standing: asks the relay whether it still has the allocation. on_failed with Cause::restarted if it has not.
  void challenge();
  // At any time, also while it is being made. Ends everything else.
  void release(Deadline deadline);

  // Those of allocate, bind and echo that were reached, the last one perhaps unfinished.
  [[nodiscard]] const std::vector<std::pair<Phase, std::chrono::nanoseconds>>& phases() const { return phases_; }
  // Set once allocated.
  [[nodiscard]] const std::optional<turn::SocketAddress>& relayed_address() const { return ends_[0].relayed; }
  // This host as the relay sees it; set once allocated.
  [[nodiscard]] const std::optional<turn::SocketAddress>& mapped_address() const { return mapped_; }
  // The relay has answered something, a challenge at least.
  [[nodiscard]] bool heard() const {
    return binding_answered_ || ends_[0].relayed || (ends_[0].session && ends_[0].session->client().challenged());
  }
  // Two allocations that talk to each other.
  [[nodiscard]] bool is_pair() const { return ends_[1].session != nullptr; }
  // What the relay said, where on_failed came of that.
  [[nodiscard]] const std::optional<turn::Failure>& refusal() const { return refusal_; }

 private:
  static constexpr std::size_t payload_size = 32;  // 16 bytes of identity, 8 of sequence, 8 of padding
  enum class Stage { idle, allocating, binding_channel, echoing, standing, failed, releasing, released };

  // One allocation: the first sends, the last hears.
  struct End {
    std::unique_ptr<turn::Session> session;
    std::optional<turn::SocketAddress> relayed;
    std::uint16_t channel = 0;
    bool reliable = false;
    bool broken = false;  // its connection is over
    bool bound = false;
    bool released = false;
  };

  void begin_allocation(std::size_t end, std::unique_ptr<turn::Transport> transport);
  // False when that cannot be tried.
  bool try_another_port(std::size_t end);
  bool try_pair(const turn::Failure& refusal);
  void begin_sequence();
  void enter(Stage stage, Phase phase);
  void end_phase();
  void on_event(std::size_t end, const turn::Event& event);
  void on_allocated(std::size_t end, const turn::Allocated& allocated);
  void on_bound(std::size_t end);
  void on_refused(std::size_t end, const turn::Failure& failure);
  void on_data(turn::Bytes payload);
  void on_deadline();
  void on_step();
  void on_unreachable(std::size_t end, const turn::PathFailure& failure);
  [[nodiscard]] Diagnosis silence_of(turn::Operation operation) const;
  void fail(Diagnosis diagnosis);
  void one_released(std::size_t end, bool confirmed);
  void finish_release();

  boost::asio::any_io_executor executor_;
  const Clock& clock_;
  Config config_;
  Handlers handlers_;
  std::array<End, 2> ends_;  // the second one only in a pair
  turn::TimerOf<Hairpin, &Hairpin::on_deadline> deadline_timer_;
  turn::TimerOf<Hairpin, &Hairpin::on_step> step_timer_;  // when to send a Binding, then when to repeat the first echo
  Stage stage_ = Stage::idle;
  bool binding_answered_ = false;
  bool changed_port_ = false;
  bool tried_pair_ = false;
  bool release_confirmed_ = true;
  std::optional<turn::Failure> refusal_;
  std::optional<Diagnosis> own_address_refused_;
  std::optional<turn::SocketAddress> mapped_;
  std::vector<std::pair<Phase, std::chrono::nanoseconds>> phases_;
  SteadyTime phase_started_;
  bool in_phase_ = false;
  std::array<std::uint8_t, payload_size> payload_{};
  std::uint64_t sequence_ = 0;
  std::array<SteadyTime, 64> sent_at_{};  // by sequence, the newest ones
};

}  // namespace turnkeeper::monitor
