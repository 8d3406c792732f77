// From N changes of verdict to one event: relays of a region that fall together for one reason are one incident, and so
// are all regions of a cluster. Pure: the caller brings the changes and the clock.
//
//   Incidents incidents;
//   incidents.set_relays(all_relays, system_now);
//   incidents.judged({.id = id, .verdict = api::Verdict::unhealthy, .cause = cause}, steady_now, system_now);
//   incidents.on_time(steady_now, system_now);                  // at incidents.next_time()
//   for (const auto& event : incidents.take_events()) log(event);
//
// An incident begins one second after the first of its relays fell (half a minute after it became Degraded and stayed
// so), so that those that fall with it are in it; one that falls a little later joins. It ends when the last of its
// relays is usable again or has left the fleet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "monitor/target/fleet.hpp"
#include "turnkeeper/api/health.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

struct Incident {
  enum class Scope {
    relay,    // one relay
    region,   // several relays of one region, perhaps all
    cluster,  // relays of every region of a cluster that has several
  };
  std::string key;  // names it from its start to its end; unique in this process
  Scope scope = Scope::relay;
  std::string cluster;
  std::string region;                              // empty with Scope::cluster
  api::Verdict verdict = api::Verdict::unhealthy;  // or degraded
  api::Cause cause = api::Cause::none;             // of most of its relays
  std::string detail;                              // of one of those
  std::vector<RelayId> relays;                     // sorted; all that were ever in it
  std::size_t relays_in_scope = 0;                 // how many the region or cluster has: "3 of 10"
  SystemTime started;                              // when the first of them fell
  std::optional<SystemTime> ended;
  bool operator==(const Incident&) const = default;
};

[[nodiscard]] std::string_view scope_name(Incident::Scope scope);  // "relay", "region", "cluster"

struct IncidentEvent {
  enum class What { started, grew, ended };  // grew: more relays, perhaps a wider scope
  What what = What::started;
  Incident incident;
};

class Incidents {
 public:
  struct Policy {
    std::chrono::nanoseconds gather = std::chrono::seconds(1);     // from the first fall to the event
    std::chrono::nanoseconds degraded = std::chrono::seconds(30);  // how long one must be Degraded to be worth it
    std::chrono::nanoseconds join = std::chrono::seconds(30);  // from the first fall; a later one is another incident
  };
  struct Change {
    RelayId id;
    api::Verdict verdict = api::Verdict::unknown;
    api::Cause cause = api::Cause::none;
    std::string detail;
  };

  Incidents() : Incidents(Policy{}) {}
  explicit Incidents(Policy policy) : policy_(policy) {}

  // All relays that there are. Those that are gone leave their incidents.
  void set_relays(const std::vector<RelayId>& relays, SystemTime wall);
  // A relay has another verdict, or the same with another cause.
  void judged(const Change& change, SteadyTime now, SystemTime wall);

  [[nodiscard]] std::optional<SteadyTime> next_time() const;
  void on_time(SteadyTime now, SystemTime wall);

  // What began, grew or ended since the last call.
  [[nodiscard]] std::vector<IncidentEvent> take_events();
  // Those that have not ended, oldest first.
  [[nodiscard]] std::vector<Incident> open() const;

 private:
  struct Fallen {
    Change change;
    SteadyTime at;
    SystemTime wall;
    SteadyTime due;  // when it is worth an incident
  };
  struct Open {
    Incident incident;
    SteadyTime began;
    std::set<RelayId> down;  // of its relays
    std::map<api::Cause, std::size_t> causes;
  };

  void forget(const RelayId& id);
  void gather(Change first, SteadyTime at);
  void begin(const std::vector<Fallen>& members, bool whole_cluster);
  void add(Open& open, const std::vector<Fallen>& members);
  void end_those_over(SystemTime wall);

  Policy policy_;
  std::map<std::string, std::map<std::string, std::size_t>> regions_;  // how many relays each has, by cluster
  std::map<RelayId, Fallen> fallen_;                                   // not in an incident yet
  std::set<std::pair<SteadyTime, RelayId>> due_;                       // of those
  std::vector<Open> open_;                                             // oldest first
  std::vector<IncidentEvent> events_;
  std::uint64_t last_number_ = 0;
};

}  // namespace turnkeeper::monitor
