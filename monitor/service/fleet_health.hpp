// What this monitor knows about its fleet: takes in what canaries, probes and other vantages saw, gives out verdicts,
// who serves which region, and what changed. No socket, no timer: the caller brings the events and the clock.
//
//   FleetHealth health("laptop", clock);
//   health.set_fleet(fleet);
//   RelayRecord* relay = health.relay(id);                     // once; then for each echo:
//   health.echoed(*relay, round_trip);
//   health.observed(*relay, observation);                      // a canary's
//   health.observed(seen_by_others);                           // the exchange's on_observations
//   for (const auto& change : health.take_changes().verdicts) log(change);
//   if (auto at = health.next_time()) timer.expires_at(*at);   // then health.on_time()
//
// An echo costs constant time and no look-up; an observation that says nothing new costs the comparison. Events of
// relays that are not in the fleet are dropped. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "monitor/probe/probe_result.hpp"
#include "monitor/service/relay_record.hpp"
#include "monitor/sight/blindness.hpp"
#include "monitor/target/fleet.hpp"
#include "monitor/target/provider_status.hpp"
#include "monitor/target/relay_health.hpp"
#include "monitor/target/relay_memory.hpp"
#include "monitor/verdict/backup_order.hpp"
#include "monitor/verdict/incident.hpp"
#include "monitor/verdict/judge.hpp"
#include "monitor/verdict/serving.hpp"
#include "monitor/web/status.hpp"

namespace turnkeeper::monitor {

struct VerdictChange {
  RelayId id;
  api::Verdict from = api::Verdict::unknown;
  Judgement to;
  // Of a relay that this vantage's canary found dead: when the first echo that is missing was due.
  std::optional<SteadyTime> first_miss;
  std::vector<Vote> votes;  // those it was judged by, and those that abstained
};

struct FleetChanges {
  std::vector<VerdictChange> verdicts;  // the same verdict with another cause among them
  std::vector<Failover> failovers;
  std::vector<IncidentEvent> incidents;
  // This vantage's own observations, new and renewed: for the exchange.
  std::vector<SeenRelay> own;
  bool backups = false;       // the order of a region's backups is another one
  std::optional<bool> blind;  // set when it became so, or sees again
  bool facts = false;         // those of a relay changed, in more than numbers
  // Their canaries should try again now and not wait out their pause: sight has come back, or another vantage says that
  // a relay is well which has just fallen silent here.
  std::vector<RelayId> recheck;
};

class FleetHealth {
 public:
  FleetHealth(std::string vantage, const Clock& clock);

  // Asked when every relay has fallen silent; never set: this vantage is never blind.
  void set_sight(std::function<Surroundings()> look) { look_ = std::move(look); }

  // Relays that stay keep their history.
  void set_fleet(Fleet fleet);
  [[nodiscard]] const Fleet& fleet() const { return fleet_; }
  // Good until a set_fleet() without that relay; null when it is not in the fleet.
  [[nodiscard]] RelayRecord* relay(const RelayId& id);

  // One echo of the standing allocation, for loss and round trip. Alone it says nothing about the relay's health.
  void echoed(RelayRecord& relay, std::chrono::nanoseconds round_trip);
  void echo_lost(RelayRecord& relay) { relay.echoes.add(false); }
  // What a vantage says; with this vantage's name: what the canary says. Usable again after it was not: what full
  // probes found before is outdated. Returns whether that was so: a full probe should follow.
  bool observed(RelayRecord& relay, Observation observation);
  // A full probe of this vantage. Returns whether another of the same endpoint should follow at once.
  bool probed(RelayRecord& relay, ProbeResult result);

  // What the relay's agent says; null: it is heard no more. One that drains its relay is believed.
  void agent_said(RelayRecord& relay, const AgentState* state);
  void key_tried(RelayRecord& relay, const std::string& key, KeyProof proof);

  // The same by name.
  void echoed(const RelayId& id, std::chrono::nanoseconds round_trip);
  void echo_lost(const RelayId& id);
  bool observed(const RelayId& id, Observation observation);
  bool probed(const RelayId& id, ProbeResult result);

  // Other vantages (monitor/exchange).
  void observed(std::vector<SeenRelay> seen);
  // All that the vantage said still stood then.
  void heard_from(const std::string& vantage, SteadyTime at);
  // It is gone, and so are its votes.
  void forget_vantage(const std::string& vantage);
  // For a process that has just started beside other monitors, before anything is seen: until one of them was heard, a
  // second at most, what this vantage sees decides nothing. Alone it would judge within milliseconds, and forget falls
  // that the others are about to tell.
  void listen_first() { alone_until_ = clock_.steady() + longest_listening; }
  // What a monitor that starts is told, and what it makes of it: a relay that it knows nothing of yet keeps the
  // remembered verdict until somebody sees it, ten seconds at most.
  [[nodiscard]] std::vector<RelayMemory> memory() const;
  void remember(const std::vector<RelayMemory>& memory);
  // This vantage's newest observation of each relay.
  [[nodiscard]] std::vector<SeenRelay> own_observations() const;

  // When on_time() may change something though nothing was seen. Constant time.
  [[nodiscard]] std::optional<SteadyTime> next_time() const;
  void on_time();

  // What happened since the last call.
  [[nodiscard]] FleetChanges take_changes();

  [[nodiscard]] bool is_blind() const { return blind_; }
  [[nodiscard]] api::Verdict verdict(const RelayId& id) const;
  // Empty: nobody.
  [[nodiscard]] std::string served_by(const std::string& cluster, const std::string& region) const;
  // From region to region, as it was measured when their order was looked at last: by cluster, from, to.
  [[nodiscard]] const std::map<std::string, std::map<std::string, RegionDistances>>& distances() const {
    return distances_;
  }
  // Why `region` is not served by itself; none when it is.
  [[nodiscard]] api::Cause failover_cause(const std::string& cluster, const std::string& region) const;
  [[nodiscard]] std::vector<Incident> open_incidents() const { return incidents_.open(); }
  [[nodiscard]] Status status() const;
  // Of our own relays, of the best relay of each provider, and the order of backups: what the operator is told.
  [[nodiscard]] std::vector<RelayHealth> relay_health() const;
  [[nodiscard]] std::vector<ProviderHealth> provider_health(const std::vector<ProviderStatus>& providers) const;
  [[nodiscard]] std::vector<RegionOrder> region_orders() const;

 private:
  struct Vantage {
    std::string name;
    std::optional<SteadyTime> heard_at;  // as a whole; nothing: only through its observations
    SteadyTime since;                    // it came (again)
    bool gone = false;
    bool came_back = false;
  };
  struct RegionEntry {
    std::string served_by;
    api::Cause cause = api::Cause::none;
    bool served = false;                    // served_by was found out
    std::array<std::size_t, 5> verdicts{};  // how many relays have each
  };
  struct Due {
    SteadyTime at;
    RelayRecord* relay = nullptr;
    bool operator>(const Due& other) const { return at > other.at; }
  };
  using RegionKey = std::pair<std::string, std::string>;

  [[nodiscard]] std::uint32_t vantage_number(const std::string& name);
  [[nodiscard]] bool was_silent(const Vantage& vantage, SteadyTime now) const;
  void put(RelayRecord& relay, std::uint32_t vantage, Observation observation);
  void put_own(RelayRecord& relay);
  [[nodiscard]] SteadyTime stood_at(const RelayRecord& relay, const RelayRecord::Seen& seen, SteadyTime now) const;
  // What a vantage's word counts for now. `recount_at` becomes earlier when it may count otherwise though nothing new
  // is heard.
  [[nodiscard]] Observation ballot(const RelayRecord& relay, const RelayRecord::Seen& seen, SteadyTime now,
                                   std::optional<SteadyTime>& recount_at) const;
  [[nodiscard]] std::vector<Vote> votes(const RelayRecord& relay, SteadyTime now) const;
  void notice_standstill(SteadyTime now);
  void judge_again(RelayRecord& relay);
  void changed(RelayRecord& relay, const Judgement& before);
  void wait_for(RelayRecord& relay);
  void sign_of_life(RelayRecord& relay, SteadyTime at);
  [[nodiscard]] bool sees_nothing(SteadyTime now) const;
  void set_blind(bool blind);
  void look_again(SteadyTime now);
  void serve_again(const Cluster& cluster);
  void order_soon();
  void order_again(SteadyTime now);
  [[nodiscard]] api::Cause newest_cause(const Cluster& cluster, const std::string& region) const;
  [[nodiscard]] std::vector<KeyTrial> key_trials(const Cluster& cluster) const;
  [[nodiscard]] RelayStatus relay_status(const RelayRecord& relay, SteadyTime now) const;

  static constexpr std::uint32_t own = 0;  // this vantage's number
  static constexpr std::chrono::seconds longest_listening{1};

  const std::string vantage_;
  const Clock& clock_;
  std::function<Surroundings()> look_;
  Fleet fleet_;
  std::map<RelayId, RelayRecord> relays_;
  std::vector<Vantage> vantages_;  // by number; the first is this one
  std::map<RegionKey, RegionEntry> regions_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::deque<Failover> failovers_;
  Incidents incidents_;
  FleetChanges changes_;
  std::vector<Observation> ballots_;

  std::optional<SteadyTime> alone_until_;  // nobody was heard yet, and until then may be
  bool blind_ = false;
  SteadyTime blind_since_;
  std::optional<SteadyTime> heard_at_;  // the newest sign of life of any relay elsewhere
  std::optional<SteadyTime> look_at_;   // while blind: when to look again
  std::optional<SteadyTime> awake_at_;  // this process stood still until then
  std::optional<SteadyTime> order_at_;  // when to look at the order of backups again
  std::map<std::string, std::map<std::string, RegionDistances>> distances_;
};

}  // namespace turnkeeper::monitor
