// When to list and when to watch, from which resource version, after which wait: the reflector's decisions. Pure.
//
//   list -> watch -> (clean end) watch -> (410) list from the last version -> (410) list the newest
// Failures wait 800 ms doubling to 30 s with full jitter; 429 waits as long as the server asked and keeps its place.
#pragma once

#include <chrono>
#include <string>

#include "turnkeeper/kube/backoff.hpp"
#include "turnkeeper/kube/error.hpp"

namespace turnkeeper::kube {

class WatchCycle {
 public:
  enum class Action { list, watch };
  struct Step {
    Action action = Action::list;
    std::string resource_version;        // list: at least this new, empty for the newest; watch: from here
    std::chrono::milliseconds delay{0};  // wait this long first
  };

  [[nodiscard]] Step next() const;

  void listed(const std::string& resource_version);
  void list_failed(const Error& error, double unit);
  // An event or a bookmark came.
  void progressed(const std::string& resource_version);
  // The server ended the watch properly after `lived`.
  void watch_ended(std::chrono::nanoseconds lived, double unit);
  // It was refused, cut, or ended with an ERROR event.
  void watch_failed(const Error& error, std::chrono::nanoseconds lived, double unit);

 private:
  void note_health(std::chrono::nanoseconds lived);

  Action action_ = Action::list;
  std::string resource_version_;
  bool progressed_ = false;
  std::chrono::milliseconds delay_{0};
  Backoff backoff_;
};

}  // namespace turnkeeper::kube
