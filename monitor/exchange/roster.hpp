// The other monitors that are heard, by the name of their vantage. Pure: the caller says what came in and when.
//
//   Roster roster;
//   roster.admit("us", instance);
//   auto heard = roster.take("us", instance, batch, clock.steady(), clock.system());
//   for (const auto& vantage : roster.silent(clock.steady(), freshness)) roster.remove(vantage);
//
// Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "monitor/exchange/peer_view.hpp"

namespace turnkeeper::monitor {

class Roster {
 public:
  struct Entry {
    std::string instance;  // of the process: a restarted monitor is another one
    PeerView view;
  };

  // Null: nobody of that name is heard.
  [[nodiscard]] const Entry* find(const std::string& vantage) const;
  // Whether it takes the place of another instance, whose last words it will take back.
  bool admit(const std::string& vantage, const std::string& instance);
  // Nothing from an instance that was not admitted, or whose place another one has taken; else as PeerView::take().
  [[nodiscard]] std::optional<PeerView::Heard> take(const std::string& vantage, const std::string& instance,
                                                    const v1::ObservationBatch& batch, SteadyTime received,
                                                    SystemTime received_system);
  bool remove(const std::string& vantage) { return entries_.erase(vantage) > 0; }

  // Those that were not heard for `freshness`. To be asked often: time in which nobody asked was a standstill of this
  // process, and not their silence.
  [[nodiscard]] std::vector<std::string> silent(SteadyTime now, std::chrono::nanoseconds freshness);

  [[nodiscard]] const std::map<std::string, Entry>& entries() const { return entries_; }
  // How far their wall clocks are ahead of ours: the median. Nothing when nobody is heard.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> clock_difference() const;

 private:
  std::map<std::string, Entry> entries_;
  std::optional<SteadyTime> asked_;
  SteadyTime awake_;
};

}  // namespace turnkeeper::monitor
