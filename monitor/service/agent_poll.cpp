#include "monitor/service/agent_poll.hpp"

#include <set>

#include "monitor/service/agent_state.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/random.hpp"
#include "turnkeeper/http/get.hpp"
#include "turnkeeper/turn/socket_address.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr auto first_within = std::chrono::seconds(1);

Result<boost::asio::ip::tcp::endpoint> endpoint_of(const std::string& address) {
  const auto parsed = turn::SocketAddress::parse(address);
  if (!parsed) return fail(parsed.error());
  return boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address(parsed->ip_string()), parsed->port());
}

Result<AgentState> read(const Result<http::ClientResponse>& reply) {
  if (!reply) return fail(reply.error());
  if (reply->status != 200) return fail(reply->error());
  return parse_agent_state(reply->body);
}

}  // namespace

AgentPoll::AgentPoll(boost::asio::any_io_executor executor, const Clock& clock, Options options, OnState on_state)
    : executor_(std::move(executor)),
      clock_(clock),
      options_(options),
      on_state_(std::move(on_state)),
      gate_(std::make_shared<ProbeGate>(options.at_once)),
      turns_(executor_, clock_, [this](const RelayId& id) { ask(id); }) {}

AgentPoll::~AgentPoll() = default;

void AgentPoll::set(const Fleet& fleet) {
  std::set<RelayId> present;
  for (const auto& cluster : fleet.clusters) {
    for (const auto& region : cluster.regions) {
      for (const auto& relay : region.relays) {
        if (relay.agent.empty()) continue;
        const RelayId id{cluster.name, region.name, relay.name};
        present.insert(id);
        auto& agent = agents_[id];
        if (agent.address == relay.agent) continue;
        agent.address = relay.agent;
        turns_.set(id,
                   clock_.steady() + std::chrono::duration_cast<SteadyTime::duration>(first_within * random_unit()));
      }
    }
  }
  std::erase_if(agents_, [&](const auto& entry) {
    if (present.contains(entry.first)) return false;
    turns_.erase(entry.first);
    return true;
  });
}

void AgentPoll::stop() {
  turns_.stop();
  agents_.clear();
}

SteadyTime AgentPoll::next_turn(const RelayId& id) const {
  const std::chrono::nanoseconds interval = options_.interval;
  const auto hash = std::hash<std::string>()(id.cluster + ' ' + id.region + ' ' + id.relay);
  const auto place = std::chrono::nanoseconds(hash % static_cast<std::size_t>(interval.count()));
  const auto now = clock_.steady();
  return now + (interval - (now.time_since_epoch() - place) % interval);
}

void AgentPoll::ask(const RelayId& id) {
  const auto found = agents_.find(id);
  if (found == agents_.end()) return;
  turns_.set(id, next_turn(id));
  gate_->enter([weak = std::weak_ptr(alive_), id, address = found->second.address](auto pass) {
    const auto alive = weak.lock();
    if (alive) (*alive)->ask(id, address, std::move(pass));
  });
}

void AgentPoll::ask(const RelayId& id, const std::string& address, std::shared_ptr<ProbeGate::Pass> pass) {
  const auto endpoint = endpoint_of(address);
  if (!endpoint) return answered(id, address, fail(endpoint.error()));
  http::get(executor_, *endpoint, "/v1/state", Deadline::after(clock_, options_.patience),
            [weak = std::weak_ptr(alive_), id, address, pass = std::move(pass)](const auto& reply) {
              const auto alive = weak.lock();
              if (alive) (*alive)->answered(id, address, read(reply));
            });
}

void AgentPoll::answered(const RelayId& id, const std::string& address, Result<AgentState> state) {
  const auto found = agents_.find(id);
  if (found == agents_.end() || found->second.address != address) return;  // of before the last set()
  auto& agent = found->second;
  if (state) {
    agent.heard_at = clock_.steady();
    return on_state_(id, &*state);
  }
  log::debug("an agent did not answer", {{"relay", id.relay}, {"agent", address}, {"error", state.error().text()}});
  if (!agent.heard_at || clock_.steady() - *agent.heard_at < options_.forgotten) return;
  agent.heard_at.reset();
  on_state_(id, nullptr);
}

}  // namespace turnkeeper::monitor
