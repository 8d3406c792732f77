// What is known of one peer from its batches: what it sees, when it was heard, how its clock differs. Pure: the caller
// says when a batch came in.
//
//   PeerView peer("us");
//   auto heard = peer.take(batch, clock.steady(), clock.system());
//   if (heard) handlers.on_observations(std::move(heard->seen));
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "monitor/target/relay_memory.hpp"
#include "monitor/verdict/observation.hpp"
#include "turnkeeper/v1/observations.pb.h"

namespace turnkeeper::monitor {

class PeerView {
 public:
  // One start of the peer's process; a restarted one is another view.
  explicit PeerView(std::string vantage) : vantage_(std::move(vantage)) {}

  struct Heard {
    std::vector<SeenRelay> seen;  // a relay that the peer sees no more: with `blind`
    std::vector<RelayMemory> memories;
  };
  // Nothing when the batch is older than one taken before: two streams of one peer overtake each other, and each holds
  // all that is new at its time. Otherwise the batch counts as of when it was made: one that was held up on its way
  // shows by the sender's clock having run less than ours since the swiftest of the last minute or two.
  [[nodiscard]] std::optional<Heard> take(const v1::ObservationBatch& batch, SteadyTime received,
                                          SystemTime received_system);

  // All that the peer has said still stood then.
  [[nodiscard]] SteadyTime heard() const { return heard_; }
  // How far its wall clock is ahead of ours.
  [[nodiscard]] std::chrono::nanoseconds clock_difference() const { return clock_difference_; }
  // What it has said of relays, so that its successor can take it back.
  [[nodiscard]] const std::set<RelayId>& relays() const { return relays_; }
  void inherit(const PeerView& predecessor) { relays_ = predecessor.relays_; }

 private:
  [[nodiscard]] std::chrono::nanoseconds held_up(std::chrono::nanoseconds uptime, SteadyTime received);

  std::string vantage_;
  std::set<RelayId> relays_;
  SteadyTime heard_;
  std::chrono::nanoseconds clock_difference_{0};
  std::optional<std::chrono::nanoseconds> newest_uptime_;
  // Received minus sent, of the swiftest batch of this window and of the one before: windows, because no two clocks run
  // at quite the same rate.
  SteadyTime window_began_;
  std::optional<std::chrono::nanoseconds> swiftest_, swiftest_before_;
};

}  // namespace turnkeeper::monitor
