// Counts and logs what is given out: who asked, for whom, where; never the credential.
//
//   audit.issued("native", caller.name, user, config);   // what a client asked for: a line each
//   audit.pushed("events", caller.name, push);           // what it was sent by itself: a line for each round
//   audit.round_done();
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "monitor/metrics/metrics.hpp"
#include "monitor/push/push_hub.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

// One thread.
class Audit {
 public:
  // Not `logged`: it only counts. Both references outlive it.
  Audit(Metrics& metrics, bool logged, const Clock& clock) : metrics_(metrics), logged_(logged), clock_(clock) {}

  void issued(std::string_view api, const std::string& caller, const std::string& user, const IceConfig& config);
  // The first of a stream is what its client asked for.
  void pushed(std::string_view api, const std::string& caller, const Push& push);
  // Everybody whom a change concerns was told.
  void round_done();

 private:
  Metrics& metrics_;
  const bool logged_;
  const Clock& clock_;
  // By cluster, region, reason and API, since the last round.
  std::map<std::tuple<std::string, std::string, std::string_view, std::string_view>, std::size_t> round_;
};

}  // namespace turnkeeper::monitor
