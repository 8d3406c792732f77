#include "monitor/service/other_monitors.hpp"

#include <algorithm>

namespace turnkeeper::monitor {
namespace {

std::vector<RelayId> relay_ids(const Fleet& fleet) {
  std::vector<RelayId> ids;
  for (const auto& cluster : fleet.clusters) {
    for (const auto& region : cluster.regions) {
      for (const auto& relay : region.relays) ids.push_back({cluster.name, region.name, relay.name});
    }
  }
  return ids;
}

}  // namespace

OtherMonitors::OtherMonitors(boost::asio::any_io_executor executor, FleetHealth& health, const Clock& clock,
                             std::function<void()> settle)
    : executor_(std::move(executor)), health_(health), clock_(clock), settle_(std::move(settle)) {}

Result<void> OtherMonitors::join(Exchange::Options options) {
  Exchange::Handlers handlers;
  handlers.on_observations = [this](std::vector<SeenRelay> seen) {
    health_.observed(std::move(seen));
    settle_();
  };
  handlers.on_heard = [this](const std::string& vantage, SteadyTime at) {
    health_.heard_from(vantage, at);
    settle_();
  };
  handlers.on_vantage_gone = [this](const std::string& vantage) {
    health_.forget_vantage(vantage);
    settle_();
  };
  handlers.memory = [this] { return health_.memory(); };
  handlers.on_memory = [this](const std::vector<RelayMemory>& memory) {
    health_.remember(memory);
    settle_();
  };
  auto exchange = Exchange::start(executor_, std::move(options), std::move(handlers), clock_);
  if (!exchange) return fail(exchange.error());
  exchange_ = std::move(*exchange);
  return {};
}

void OtherMonitors::publish(const std::vector<SeenRelay>& own) {
  if (exchange_ && !own.empty()) exchange_->publish(own);
}

void OtherMonitors::on_time(Metrics& metrics) {
  if (!exchange_) return;
  const auto peers = exchange_->peers();
  metrics.set_peers(peers.size(),
                    static_cast<std::size_t>(std::ranges::count(peers, true, &Exchange::Peer::connected)));
}

void OtherMonitors::keep_only(const Fleet& fleet) {
  if (exchange_) exchange_->keep_only(relay_ids(fleet));
}

Surroundings OtherMonitors::heard(Surroundings around) const {
  if (!exchange_) return around;
  for (const auto& peer : exchange_->peers()) {
    around.link_heard = std::max(around.link_heard.value_or(peer.heard), peer.heard);
  }
  return around;
}

std::optional<std::chrono::seconds> OtherMonitors::our_lag() const {
  const auto lag = exchange_ ? exchange_->clock_difference() : std::nullopt;
  if (!lag) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::seconds>(*lag);
}

}  // namespace turnkeeper::monitor
