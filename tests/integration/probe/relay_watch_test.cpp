// All that one monitor does to one real relay.
#include "monitor/service/relay_watch.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <map>

#include "live_relay.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using api::Cause;

class RelayWatchTest : public ::testing::Test {
 protected:
  void watch(const LiveRelay& relay) {
    const std::string address = relay.host() + ":" + std::to_string(relay.port());
    RelayWatch::Options options;
    options.vantage = "test";
    options.name = "eu-0";
    options.uris = {*turn::Uri::parse("turn:" + address + "?transport=udp"),
                    *turn::Uri::parse("turn:" + address + "?transport=tcp")};
    options.canary = options.uris.front();
    options.probing = {.canary = 100ms, .misses = 3, .full = 1s};
    options.check_every = 1s;
    options.credentials = [this, &relay]() -> Result<RelayCredentials> {
      RelayCredentials credentials;
      credentials.current = key_ == "k1"
                                ? relay.credential()
                                : turn::time_limited_credential(Secret("lost"), "test", real_clock().system() + 1h);
      credentials.key = "k1";
      credentials.expired = relay.credential(-1h);
      return credentials;
    };
    RelayWatch::Handlers handlers;
    handlers.on_observation = [](const Observation&) {};
    handlers.on_probed = [this](const ProbeResult& result) {
      ++probed_[result.endpoint.protocol];
      last_[result.endpoint.protocol] = result;
    };
    handlers.on_endpoints = [this](const std::vector<turn::Endpoint>& endpoints) { endpoints_ = endpoints; };
    watch_ = std::make_shared<RelayWatch>(io_.get_executor(), real_clock(), std::move(options), std::move(handlers));
    watch_->start();
  }

  template <class Condition>
  bool run_until(Condition condition) {
    const Deadline deadline = Deadline::after(real_clock(), 20s);
    while (!condition() && !deadline.expired(real_clock())) io_.run_one_for(100ms);
    return condition();
  }

  void stop() {
    bool stopped = false;
    watch_->stop([&] { stopped = true; });
    EXPECT_TRUE(run_until([&] { return stopped; }));
    watch_.reset();
  }

  boost::asio::io_context io_;
  std::string key_ = "k1";
  std::shared_ptr<RelayWatch> watch_;
  std::map<turn::Protocol, int> probed_;
  std::map<turn::Protocol, ProbeResult> last_;
  std::vector<turn::Endpoint> endpoints_;
};

TEST_F(RelayWatchTest, EachTransportIsProvenAgainAndAgainAndNothingIsLeft) {
  LiveRelay relay({.deny_special_peers = true});
  watch(relay);
  ASSERT_TRUE(run_until([&] { return probed_[turn::Protocol::udp] >= 3 && probed_[turn::Protocol::tcp] >= 3; }));
  for (const auto& [protocol, result] : last_) {
    EXPECT_TRUE(result.ok) << protocol_name(protocol) << ": " << result.detail;
    EXPECT_EQ(result.cause, Cause::none) << result.detail;
    EXPECT_EQ(result.phases.front().first, Phase::resolve);
  }
  EXPECT_EQ(endpoints_, (std::vector{relay.endpoint(turn::Protocol::udp), relay.endpoint(turn::Protocol::tcp)}));
  // As many as there were turns, give or take those at once: no more.
  EXPECT_LE(probed_[turn::Protocol::udp], probed_[turn::Protocol::tcp] + 2);
  stop();
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(RelayWatchTest, AnOpenRelayWorksAndIsReportedAsOpen) {
  LiveRelay relay;
  watch(relay);
  ASSERT_TRUE(run_until([&] { return last_[turn::Protocol::udp].cause == Cause::ssrf_open; }));
  EXPECT_TRUE(last_[turn::Protocol::udp].ok);
  stop();
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(RelayWatchTest, AKeyThatWorkedAndNoLongerDoesIsTheRelaysDatabase) {
  LiveRelay relay;
  watch(relay);
  ASSERT_TRUE(run_until([&] { return last_[turn::Protocol::udp].ok; }));
  key_ = "the same in name only";
  EXPECT_TRUE(run_until([&] { return last_[turn::Protocol::udp].cause == Cause::auth_database; }));
  stop();
}

}  // namespace
}  // namespace turnkeeper::monitor
