// Clients in calls: each keeps an allocation, sends data through it all the time and refreshes it, on a thread of its
// own for all of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::test {

struct Caller {
  std::string relay;  // "10.77.0.1:3478"
  turn::Credential credential;
};

class Callers {
 public:
  // Each calls by itself: what it sends comes back from its own relayed address.
  explicit Callers(const std::vector<Caller>& callers);
  ~Callers();
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  struct Tally {
    int talking = 0;                 // data came back in the last three seconds
    int refreshes = 0;               // that succeeded
    int least_refreshes = 0;         // of one caller
    std::vector<std::string> ended;  // what was refused or went unanswered
  };
  [[nodiscard]] Tally tally() const;

 private:
  class Crowd;
  std::unique_ptr<Crowd> crowd_;
};

}  // namespace turnkeeper::test
