// Relays, vantages and the network between them in simulated time: real CanaryState machines and a real FleetHealth for
// each vantage, packets that are delayed and lost, an exchange over TCP between the vantages. Nothing waits: the clock
// jumps from event to event, so that a day passes in seconds.
//
//   World world({.seed = 1, .vantages = 3, .relays = {"eu", "eu", "us"}});
//   world.vantage(2).loss = 0.2;              // of each packet, in either direction
//   world.run_for(1h);
//   world.kill(0);
//   world.run_for(1s);
//   world.changes();                          // every change of verdict at any vantage
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "monitor/canary/canary_state.hpp"
#include "monitor/service/fleet_health.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

struct WorldOptions {
  std::uint32_t seed = 1;
  std::size_t vantages = 1;
  std::vector<std::string> relays{"eu", "us"};    // the region of each
  std::chrono::nanoseconds one_way{500'000};      // from a vantage to a relay
  std::chrono::nanoseconds jitter{200'000};       // on top, evenly
  std::chrono::nanoseconds exchange{20'000'000};  // one way between vantages
  std::chrono::nanoseconds heartbeat{400'000'000};
  CanaryPolicy canary;
};

class World {
 public:
  using Time = SteadyTime;

  struct Line {
    double loss = 0;  // of a packet, in either direction
    bool up = true;   // false: nothing comes through, the gateway not either
    bool gateway_answers = true;
    bool cut_off = false;       // the kernel says so too
    std::vector<bool> reaches;  // each relay
  };

  struct Change {
    Time at;
    std::size_t vantage;
    std::size_t relay;
    api::Verdict verdict;
    api::Cause cause;
  };

  explicit World(WorldOptions options);
  ~World();

  [[nodiscard]] Line& vantage(std::size_t number);
  [[nodiscard]] FleetHealth& health(std::size_t vantage);
  [[nodiscard]] api::Verdict verdict(std::size_t vantage, std::size_t relay);
  [[nodiscard]] Time now() const { return clock_.steady(); }

  void run_for(std::chrono::nanoseconds time);
  void kill(std::size_t relay);    // silently, as a machine without power
  void revive(std::size_t relay);  // without its allocations
  // Whether two vantages hear each other.
  void connect(std::size_t a, std::size_t b, bool connected);
  // The vantage's process does nothing for so long; what arrives waits.
  void stop_process(std::size_t vantage, std::chrono::nanoseconds time);
  void jump_wall_clock(std::chrono::nanoseconds by) { clock_.jump(by); }

  [[nodiscard]] const std::vector<Change>& changes() const { return changes_; }
  [[nodiscard]] const std::vector<Failover>& failovers() const { return failovers_; }
  [[nodiscard]] const std::vector<IncidentEvent>& incidents(std::size_t vantage) const;
  void forget_changes();
  // Canaries that became suspicious enough to make a fresh allocation; echoes sent.
  [[nodiscard]] std::uint64_t confirmations() const { return confirmations_; }
  [[nodiscard]] std::uint64_t echoes() const { return echoes_; }

 private:
  enum class Kind : std::uint8_t {
    canary_timer,
    health_timer,
    deadline,
    retransmit,
    heartbeat,
    exchange_tick,
    answer,
    echo,
    segment,
    news
  };
  struct Event {
    Time at;
    std::uint64_t order = 0;
    Kind kind{};
    std::uint32_t vantage = 0;
    std::uint32_t other = 0;  // the relay, or the vantage that sends
    int attempt = 0;
    int step = 0;              // of the allocation; or how often its request was sent
    std::uint64_t number = 0;  // the echo's sequence, the request's try
    std::chrono::nanoseconds round_trip{0};
    bool operator>(const Event& event) const { return at != event.at ? at > event.at : order > event.order; }
  };
  struct Attempt {
    int step = 0;  // 0 and 1: Allocate, 2: ChannelBind, 3: first echo, 4: standing
    Time deadline;
    std::chrono::nanoseconds rto{0};
    int generation = -1;  // of the relay, that holds it
    std::uint64_t echoes = 0;
    bool heard = false;
  };
  struct Canary {
    std::unique_ptr<CanaryState> state;
    std::map<int, Attempt> attempts;
    Time armed = Time::max();
    RelayRecord* record = nullptr;
  };
  struct Vantage;
  struct Relay {
    bool alive = true;
    int generation = 0;
  };
  // A batch, and the TCP connection that carries those of one vantage to another.
  struct Batch {
    Time made;
    std::vector<SeenRelay> seen;
  };
  struct Connection {
    std::deque<Batch> waiting;
    bool is_sending = false;
  };

  void push(Event event);
  void handle(const Event& event);
  void carry_out(std::size_t vantage, std::size_t relay);
  void settle(std::size_t vantage);
  void request(std::size_t vantage, std::size_t relay, int attempt, int tried);
  void on_answer(const Event& event);
  void fail(std::size_t vantage, std::size_t relay, int attempt, const Diagnosis& diagnosis);
  // When a packet that is sent now and answered by the relay comes back; nothing: it does not.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> round_trip(std::size_t vantage, std::size_t relay);
  [[nodiscard]] bool lost(std::size_t vantage);
  void send_news(std::size_t from, std::size_t to, const std::vector<SeenRelay>& seen);
  [[nodiscard]] Connection& connection(std::size_t from, std::size_t to);
  void on_segment(const Event& event);
  void on_news(const Event& event);
  void on_exchange_tick(const Event& event);

  WorldOptions options_;
  ManualClock clock_;
  std::mt19937 random_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t last_order_ = 0;
  std::vector<Relay> relays_;
  std::vector<RelayId> ids_;
  std::vector<std::unique_ptr<Vantage>> vantages_;
  std::vector<Connection> connections_;
  std::vector<Change> changes_;
  std::vector<Failover> failovers_;
  std::uint64_t confirmations_ = 0;
  std::uint64_t echoes_ = 0;
};

}  // namespace turnkeeper::monitor
