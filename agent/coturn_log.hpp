// What coturn prints, as far as the agent acts on it: problems that do not pass, and its last words before a crash.
// Pure; not thread-safe.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::agent {

class CoturnLog {
 public:
  struct Finding {
    std::optional<Error> first_seen;  // a problem that this line is the first to tell of since the start
    std::optional<Error> lasting;     // coturn has complained of it for 5 s: it will not pass by itself
  };
  Finding add(const std::string& line, SteadyTime now);
  // coturn starts again.
  void restart();
  // The last lines, oldest first, with " | " between: at most five, and 600 bytes.
  [[nodiscard]] std::string last_words() const;

 private:
  std::map<std::string, SteadyTime> problems_;  // when coturn first complained of each since its start
  std::deque<std::string> last_;
};

}  // namespace turnkeeper::agent
