// The monitor as an object, as `turnctl up` embeds it, on a real coturn: what a new fleet does to what is being
// watched.
#include "monitor/service/service.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <fstream>
#include <set>

#include "turnkeeper/base/child_process.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

// On a loopback address of its own, so that no port can be taken.
class Coturn {
 public:
  explicit Coturn(int number) {
    const auto pid = static_cast<unsigned>(getpid());
    address_ = "127." + std::to_string(128 + (pid >> 14 & 63)) + "." + std::to_string(pid >> 6 & 255) + "." +
               std::to_string(((pid & 63) << 2 | static_cast<unsigned>(number)) % 254 + 1);
    const std::string stem =
        testing::TempDir() + "service-coturn-" + std::to_string(pid) + "-" + std::to_string(number);
    auto child = ChildProcess::start(
        {.argv = {"turnserver", "-n", "--no-cli", "--no-tls", "--no-dtls", "--allow-loopback-peers",
                  "--listening-ip=" + address_, "--relay-ip=" + address_, "--min-port=50000", "--max-port=50999",
                  "--realm=test", "--use-auth-secret", "--static-auth-secret=north", "--log-file=stdout",
                  "--pidfile=" + stem + ".pid", "--userdb=" + stem + ".db"},
         .log_path = stem + ".log"});
    if (child) process_.emplace(std::move(*child));
  }

  [[nodiscard]] Relay relay(const std::string& name) const { return {.name = name, .uris = {turn_uri(address_)}}; }
  // Relayed ports of live allocations: what somebody is bound to on this address inside the relay range.
  [[nodiscard]] std::set<int> allocations() const {
    char prefix[16];
    (void)std::snprintf(prefix, sizeof prefix, "%08X:", inet_addr(address_.c_str()));
    std::set<int> ports;
    std::ifstream table("/proc/net/udp");
    std::string slot;
    std::string local;
    for (std::string line; std::getline(table, line);) {
      std::istringstream(line) >> slot >> local;
      if (!local.starts_with(prefix)) continue;
      const int port = std::stoi(local.substr(9), nullptr, 16);
      if (port >= 50000 && port <= 50999) ports.insert(port);
    }
    return ports;
  }

 private:
  std::string address_;
  std::optional<ChildProcess> process_;
};

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() {
    auto service = Service::start(io_, {.listen = "127.0.0.1:0", .vantage = "test"});
    if (!service) throw std::runtime_error(service.error().text());
    service_ = std::move(*service);
  }

  static Fleet fleet_of(std::vector<Relay> relays) {
    Cluster cluster{.name = "calls"};
    cluster.signing_keys = {{"k1", Secret("north"), api::SigningKey::Phase::issuing, {}}};
    cluster.regions = {{"eu", {}, std::move(relays)}};
    // No full probe but the first: what is allocated later is the canaries'.
    cluster.probing.full = 1h;
    return Fleet{{cluster}};
  }
  // Runs the loop until then; false when it takes too long.
  bool until(const std::function<bool()>& condition) {
    const auto deadline = Deadline::after(real_clock(), 20s);
    while (!deadline.expired(real_clock())) {
      if (condition()) return true;
      io_.run_one_for(50ms);
    }
    return false;
  }
  bool healthy(std::size_t count) {
    return until([&] {
      std::size_t found = 0;
      for (const auto& cluster : service_->status().clusters) {
        for (const auto& relay : cluster.regions[0].relays) {
          if (relay.verdict == api::Verdict::healthy && relay.probe && relay.probe->ok) ++found;
        }
      }
      return found == count;
    });
  }

  boost::asio::io_context io_;
  std::unique_ptr<Service> service_;
  Coturn first_{0};
  Coturn second_{1};
};

TEST_F(ServiceTest, ANewFleetLeavesTheCanariesOfRelaysThatStayAlone) {
  service_->set_fleet(fleet_of({first_.relay("eu-0")}));
  ASSERT_TRUE(healthy(1));
  ASSERT_TRUE(until([&] { return first_.allocations().size() == 1; })) << "one canary, and nothing left of the probe";
  const auto before = first_.allocations();

  auto fleet = fleet_of({first_.relay("eu-0"), second_.relay("eu-1")});
  fleet.clusters[0].signing_keys.insert(fleet.clusters[0].signing_keys.begin(),
                                        {"k0", Secret("south"), api::SigningKey::Phase::retiring, {}});
  service_->set_fleet(fleet);
  ASSERT_TRUE(healthy(2));
  EXPECT_EQ(first_.allocations(), before) << "the canary of a relay that did not change was started anew";
}

TEST_F(ServiceTest, ARelayThatLeavesIsLeftWithoutAnAllocation) {
  service_->set_fleet(fleet_of({first_.relay("eu-0"), second_.relay("eu-1")}));
  ASSERT_TRUE(healthy(2));
  service_->set_fleet(fleet_of({second_.relay("eu-1")}));
  EXPECT_TRUE(until([&] { return first_.allocations().empty(); }));
  EXPECT_FALSE(second_.allocations().empty());
}

TEST_F(ServiceTest, ListenersHearOfEachVerdictAndStopLeavesNothingBehind) {
  std::vector<RelayHealth> health;
  std::vector<api::Verdict> shown;
  service_->on_health([&](FleetReport now) { health = std::move(now.relays); });
  service_->on_change([&](const Status& status) { shown.push_back(status.clusters[0].regions[0].relays[0].verdict); });
  service_->set_fleet(fleet_of({first_.relay("eu-0")}));
  ASSERT_TRUE(healthy(1));
  ASSERT_EQ(health.size(), 1U);
  EXPECT_EQ(health[0].id, (RelayId{"calls", "eu", "eu-0"}));
  EXPECT_EQ(health[0].verdict, api::Verdict::healthy);
  EXPECT_THAT(shown, testing::Contains(api::Verdict::healthy));

  bool stopped = false;
  service_->stop([&] { stopped = true; });
  EXPECT_TRUE(until([&] { return stopped; }));
  // coturn confirms a Refresh(0) at once and closes the relayed port about a second later.
  EXPECT_TRUE(until([&] { return first_.allocations().empty(); }));
}

}  // namespace
}  // namespace turnkeeper::monitor
