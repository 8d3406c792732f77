#include "mesh_monitor.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::monitor {

using namespace std::chrono_literals;

namespace {
constexpr auto at_most = 20s;
}

Exchange::Options MeshMonitor::options(std::string vantage, std::vector<std::string> peers) {
  return {.vantage = std::move(vantage),
          .listen = "127.0.0.1:0",
          .peers = std::move(peers),
          .freshness = 2'000ms,
          .longest_backoff = 400ms,
          .keepalive = 500ms};
}

MeshMonitor::MeshMonitor(Options options, std::vector<RelayMemory> memory)
    : publish_timer_(io_), vantage_(options.vantage), memory_(std::move(memory)) {
  Exchange::Handlers handlers;
  handlers.on_observations = [this](std::vector<SeenRelay> seen) {
    const std::lock_guard lock(mutex_);
    for (auto& [id, observation] : seen) {
      ++changes_heard_;
      auto& of_vantage = heard_[observation.vantage];
      if (observation.blind) {
        of_vantage.erase(id.relay);
      } else {
        of_vantage[id.relay] = std::move(observation);
      }
    }
    changed_.notify_all();
  };
  handlers.on_heard = [this](const std::string& vantage, SteadyTime) {
    const std::lock_guard lock(mutex_);
    heard_[vantage];
    changed_.notify_all();
  };
  handlers.on_vantage_gone = [this](const std::string& vantage) {
    const std::lock_guard lock(mutex_);
    heard_.erase(vantage);
    changed_.notify_all();
  };
  handlers.memory = [this] {
    const std::lock_guard lock(mutex_);
    ++greetings_;
    return memory_;
  };
  handlers.on_memory = [this](std::vector<RelayMemory> memories) {
    const std::lock_guard lock(mutex_);
    memories_ = std::move(memories);
    changed_.notify_all();
  };
  auto exchange = Exchange::start(io_.get_executor(), std::move(options), std::move(handlers));
  if (!exchange) {
    ADD_FAILURE() << exchange.error().text();
    return;
  }
  exchange_ = std::move(*exchange);
  address_ = exchange_->address();
  publish_later();
  thread_ = std::thread([this] { io_.run(); });
}

MeshMonitor::~MeshMonitor() {
  if (!thread_.joinable()) return;
  boost::asio::post(io_, [this] {
    exchange_.reset();
    io_.stop();
  });
  thread_.join();
}

void MeshMonitor::publish_later() {
  publish_timer_.expires_after(200ms);
  publish_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || !exchange_) return;
    std::vector<SeenRelay> seen;
    for (auto& [name, observation] : own_) {
      observation.at = std::chrono::steady_clock::now();
      seen.push_back({relay(name), observation});
    }
    exchange_->publish(seen);
    publish_later();
  });
}

void MeshMonitor::sees(const std::string& name, bool usable, api::Cause cause) {
  boost::asio::post(io_, [this, name, usable, cause] {
    auto& observation = own_[name];
    observation = {.vantage = vantage_, .usable = usable, .cause = cause, .at = std::chrono::steady_clock::now()};
    exchange_->publish({{relay(name), observation}});
  });
}

void MeshMonitor::sees_no_more(const std::string& name) {
  boost::asio::post(io_, [this, name] {
    own_.erase(name);
    std::vector<RelayId> left;
    for (const auto& [other, observation] : own_) left.push_back(relay(other));
    exchange_->keep_only(left);
  });
}

bool MeshMonitor::comes_to(const std::function<bool()>& condition) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, at_most, condition);
}

bool MeshMonitor::hears(const std::string& vantage, const std::string& name, bool usable) {
  return comes_to([&] {
    const auto of_vantage = heard_.find(vantage);
    if (of_vantage == heard_.end()) return false;
    const auto found = of_vantage->second.find(name);
    return found != of_vantage->second.end() && found->second.usable == usable;
  });
}

bool MeshMonitor::hears_nothing_of(const std::string& vantage, const std::string& name) {
  return comes_to([&] {
    const auto of_vantage = heard_.find(vantage);
    return of_vantage != heard_.end() && !of_vantage->second.contains(name);
  });
}

bool MeshMonitor::loses(const std::string& vantage) {
  return comes_to([&] { return !heard_.contains(vantage); });
}

bool MeshMonitor::knows(const std::string& vantage) const {
  const std::lock_guard lock(mutex_);
  return heard_.contains(vantage);
}

std::size_t MeshMonitor::count_of(const std::string& vantage) const {
  const std::lock_guard lock(mutex_);
  const auto found = heard_.find(vantage);
  return found == heard_.end() ? 0 : found->second.size();
}

std::vector<RelayMemory> MeshMonitor::memories() const {
  const std::lock_guard lock(mutex_);
  return memories_;
}

int MeshMonitor::greetings() const {
  const std::lock_guard lock(mutex_);
  return greetings_;
}

int MeshMonitor::changes_heard() const {
  const std::lock_guard lock(mutex_);
  return changes_heard_;
}

std::vector<std::string> MeshMonitor::connected() {
  return ask([this] {
    std::vector<std::string> vantages;
    for (const auto& peer : exchange_->peers()) {
      if (peer.connected) vantages.push_back(peer.vantage);
    }
    return vantages;
  });
}

std::optional<std::chrono::nanoseconds> MeshMonitor::clock_difference() {
  return ask([this] { return exchange_->clock_difference(); });
}

MeshMonitor::Freeze::Freeze(boost::asio::io_context& io) {
  std::promise<void> frozen;
  auto is_frozen = frozen.get_future();
  boost::asio::post(io, [frozen = std::make_shared<std::promise<void>>(std::move(frozen)),
                         thaw = std::make_shared<std::future<void>>(thaw_.get_future())] {
    frozen->set_value();
    thaw->wait();
  });
  is_frozen.wait();
}

MeshMonitor::Freeze::~Freeze() {
  thaw_.set_value();
}

}  // namespace turnkeeper::monitor
