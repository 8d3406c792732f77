// Asks the agent beside each relay how it is: sessions, bytes, keys, drain. Each at its own place in the interval, a
// bounded number at once, nobody waits.
//
//   AgentPoll agents(io.get_executor(), clock, {}, [&](const RelayId& id, const AgentState* state) { ... });
//   agents.set(fleet);
//
// Runs on one single-threaded executor; no handler is called from within a call, or after stop() or destruction.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "monitor/service/due_work.hpp"
#include "monitor/service/probe_gate.hpp"
#include "monitor/target/fleet.hpp"
#include "monitor/target/relay_health.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::monitor {

class AgentPoll {
 public:
  struct Options {
    std::chrono::milliseconds interval{5'000};
    std::chrono::milliseconds patience{2'000};    // for one answer
    std::chrono::milliseconds forgotten{30'000};  // without an answer for so long, what it said is past
    std::size_t at_once = 32;
  };
  // Each answer; null, once, when the agent has not been heard for too long.
  using OnState = std::function<void(const RelayId&, const AgentState*)>;

  // The clock outlives it; its steady time must be the machine's.
  AgentPoll(boost::asio::any_io_executor executor, const Clock& clock, Options options, OnState on_state);
  ~AgentPoll();
  AgentPoll(const AgentPoll&) = delete;
  AgentPoll& operator=(const AgentPoll&) = delete;

  // Those whose relay names an agent. One that is new, or has moved, is asked within a second.
  void set(const Fleet& fleet);
  void stop();

 private:
  struct Agent {
    std::string address;
    std::optional<SteadyTime> heard_at;
  };
  void ask(const RelayId& id);
  void ask(const RelayId& id, const std::string& address, std::shared_ptr<ProbeGate::Pass> pass);
  void answered(const RelayId& id, const std::string& address, Result<AgentState> state);
  [[nodiscard]] SteadyTime next_turn(const RelayId& id) const;

  const boost::asio::any_io_executor executor_;
  const Clock& clock_;
  const Options options_;
  const OnState on_state_;
  std::shared_ptr<ProbeGate> gate_;
  std::map<RelayId, Agent> agents_;
  DueWork<RelayId> turns_;
  // Answers may come after this object is gone.
  std::shared_ptr<AgentPoll*> alive_ = std::make_shared<AgentPoll*>(this);
};

}  // namespace turnkeeper::monitor
