// A relay that is taken out of service while a whole monitor watches it.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <set>

#include "live_relay.hpp"
#include "monitor/service/service.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using api::Verdict;

class DrainTest : public testing::Test {
 protected:
  DrainTest() {
    auto service = Service::start(io_, {.listen = "127.0.0.1:0", .vantage = "test"});
    if (!service) throw std::runtime_error(service.error().text());
    service_ = std::move(*service);
    service_->on_health([this](FleetReport report) { health_ = std::move(report.relays); });
  }
  // A probe that is under way would stay behind.
  ~DrainTest() override {
    bool stopped = false;
    service_->stop([&] { stopped = true; });
    EXPECT_TRUE(until([&] { return stopped; }));
  }

  [[nodiscard]] Fleet fleet(bool draining) const {
    Cluster cluster{.name = "calls"};
    cluster.signing_keys = {{"k1", Secret("north"), api::SigningKey::Phase::issuing, {}},
                            {"k2", Secret("south"), api::SigningKey::Phase::staged, {}}};
    cluster.probing.full = 1s;
    Relay relay{.name = "eu-0", .uris = {turn_uri(relay_.host(), relay_.port())}, .draining = draining};
    cluster.regions = {{"eu", {}, {relay}}};
    return Fleet{{cluster}};
  }
  bool until(const std::function<bool()>& condition) {
    const auto deadline = Deadline::after(real_clock(), 20s);
    while (!condition() && !deadline.expired(real_clock())) io_.run_one_for(50ms);
    return condition();
  }
  [[nodiscard]] Verdict verdict() const { return health_.empty() ? Verdict::unknown : health_[0].verdict; }

  LiveRelay relay_{{.program = LiveRelay::newest, .deny_special_peers = true}};
  boost::asio::io_context io_;
  std::vector<RelayHealth> health_;
  std::unique_ptr<Service> service_;
};

TEST_F(DrainTest, TheCanaryIsNoSessionThatTheDrainWaitsFor) {
  service_->set_fleet(fleet(false));
  ASSERT_TRUE(until([&] { return verdict() == Verdict::healthy; }));
  // A key that the relay does not know yet says nothing of its health.
  ASSERT_TRUE(until([&] { return health_[0].facts.keys.contains("k2"); }));
  EXPECT_FALSE(health_[0].facts.keys["k2"].accepted);
  EXPECT_EQ(verdict(), Verdict::healthy);

  service_->set_fleet(fleet(true));
  ASSERT_TRUE(until([&] { return verdict() == Verdict::draining; }));
  relay_.signal(SIGUSR1);
  EXPECT_TRUE(until([&] { return relay_.ended(); })) << "held open by its own monitor";
}

TEST_F(DrainTest, ARelayThatDrainsByItselfIsLetGo) {
  service_->set_fleet(fleet(false));
  ASSERT_TRUE(until([&] { return verdict() == Verdict::healthy; }));
  relay_.signal(SIGUSR1);
  EXPECT_TRUE(until([&] { return verdict() == Verdict::draining; }));
  EXPECT_TRUE(until([&] { return relay_.ended(); }));
}

TEST_F(DrainTest, WhenDrainingIsOverTheCanaryStandsAgain) {
  service_->set_fleet(fleet(true));
  ASSERT_TRUE(until([&] { return verdict() == Verdict::draining; }));
  service_->set_fleet(fleet(false));
  ASSERT_TRUE(until([&] { return verdict() == Verdict::healthy; }));
  std::set<std::chrono::nanoseconds> echoes;
  EXPECT_TRUE(until([&] {
    if (const auto echo = service_->status().clusters[0].regions[0].relays[0].echo) echoes.insert(*echo);
    return echoes.size() > 5;
  }));
  relay_.kill();
  EXPECT_TRUE(until([&] { return verdict() == Verdict::unhealthy; }));
}

}  // namespace
}  // namespace turnkeeper::monitor
