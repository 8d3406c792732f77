// What this monitor sees, as its peers are still to hear it: of each relay only the newest, however far behind a peer
// is. Pure: no socket, no clock of its own.
//
//   Outbox outbox;
//   Outbox::Cursor cursor;                    // one for each stream
//   outbox.put(seen);
//   if (outbox.has_news(cursor)) outbox.take(cursor, now, batch);
//
// Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "monitor/verdict/observation.hpp"
#include "turnkeeper/v1/observations.pb.h"

namespace turnkeeper::monitor {

class Outbox {
 public:
  // A relay is vouched for as usable for so long after it was put.
  static constexpr std::chrono::seconds vouched_for{3};

  // How far one peer has heard; a new one has heard nothing.
  class Cursor {
    friend class Outbox;
    std::uint64_t version_ = 0;
    std::uint64_t epoch_ = 0;
  };

  // The same opinion again costs the peers nothing; nor does a round trip that is about as long as the one they were
  // told.
  void put(const std::vector<SeenRelay>& seen);
  // Takes back all other relays.
  void keep_only(const std::vector<RelayId>& relays);
  // Usable ones that nobody has put for `vouched_for` turn blind: their canary stands still.
  void expire(SteadyTime now);

  [[nodiscard]] bool has_news(const Cursor& cursor) const {
    return cursor.epoch_ != epoch_ || cursor.version_ != version_;
  }
  // Adds what the cursor's owner has not heard to `batch`, everything and `complete` when relays were taken back or
  // nothing was heard yet, and moves the cursor to the present.
  void take(Cursor& cursor, SteadyTime now, v1::ObservationBatch& batch) const;

  [[nodiscard]] std::set<std::string> clusters() const;

 private:
  struct Item {
    Observation observation;
    std::optional<std::chrono::nanoseconds> told;  // the round trip as of the newest change
    std::uint64_t version = 0;
  };
  using Items = std::map<RelayId, Item>;

  void renew(Items::value_type& item);

  Items items_;
  std::map<std::uint64_t, const Items::value_type*> by_version_;  // the newest change of each, in order
  std::uint64_t version_ = 0;
  std::uint64_t epoch_ = 1;  // a new one begins when relays are taken back
};

}  // namespace turnkeeper::monitor
