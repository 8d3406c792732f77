#include <gtest/gtest.h>

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/io_context.hpp>
#include <optional>

#include "../probe/live_relay.hpp"
#include "turnkeeper/turn/session.hpp"
#include "turnkeeper/turn/udp_transport.hpp"

namespace turnkeeper::turn {
namespace {

using namespace std::chrono_literals;
using monitor::LiveRelay;
using Family = SocketAddress::Family;

// One use of a relay, each step awaited.
class Use {
 public:
  Use(const SocketAddress& server, ClientConfig config)
      : session_(io_.get_executor(), real_clock(), *open_udp(io_.get_executor(), server), std::move(config),
                 {.on_event = [this](const Event& event) { event_ = event; },
                  .on_data = [this](std::uint16_t channel, Bytes payload) { data_.emplace(channel, payload.size()); },
                  .on_unreachable = [](const PathFailure& failure) { ADD_FAILURE() << failure.reason; }}) {}

  std::optional<Event> allocate() {
    session_.allocate();
    return await();
  }
  // How many bytes came back on the channel.
  std::optional<std::size_t> hairpin(const SocketAddress& relayed) {
    const auto channel = session_.bind_channel(relayed);
    if (const auto bound = await(); !bound || !std::holds_alternative<ChannelBound>(*bound)) return std::nullopt;
    data_.reset();
    session_.send(channel, std::vector<std::uint8_t>(24));
    run([this] { return data_.has_value(); });
    return data_ && data_->first == channel ? std::optional(data_->second) : std::nullopt;
  }
  bool release() {
    session_.release();
    const auto event = await();
    return event && std::holds_alternative<Released>(*event);
  }
  [[nodiscard]] const Client& client() const { return session_.client(); }

 private:
  template <class Done>
  void run(Done done) {
    const auto until = real_clock().steady() + 3s;
    while (!done() && real_clock().steady() < until) io_.run_one_for(100ms);
  }
  std::optional<Event> await() {
    event_.reset();
    run([this] { return event_.has_value(); });
    return event_;
  }

  boost::asio::io_context io_;
  std::optional<Event> event_;
  std::optional<std::pair<std::uint16_t, std::size_t>> data_;
  Session session_;
};

class AllocationTest : public ::testing::TestWithParam<const char*> {
 protected:
  static LiveRelay::Options with(const std::string& extra_config) {
    return {.program = GetParam(), .extra_config = extra_config};
  }
  static ClientConfig config(const LiveRelay& relay) {
    const auto credential = relay.credential();
    return {.username = credential.username, .password = credential.password};
  }
  static SocketAddress ipv4(const LiveRelay& relay) { return *SocketAddress::from_ip("127.0.0.1", relay.port()); }
  static SocketAddress ipv6(const LiveRelay& relay) { return *SocketAddress::from_ip("::1", relay.port()); }
};

INSTANTIATE_TEST_SUITE_P(Coturn, AllocationTest, ::testing::Values("turnserver", LiveRelay::newest),
                         [](const auto& info) {
                           return std::string(info.param) == LiveRelay::newest ? "Newest" : "Oldest";
                         });

const std::string both_families = "listening-ip=::1\nrelay-ip=::1";

TEST_P(AllocationTest, ADualAllocationRelaysInBothFamiliesAndIsReleasedWhole) {
  const LiveRelay relay(with(both_families));
  for (const auto& server : {ipv4(relay), ipv6(relay)}) {
    auto dual = config(relay);
    dual.dual = true;
    Use use(server, dual);
    const auto event = use.allocate();
    ASSERT_TRUE(event);
    const auto* allocated = std::get_if<Allocated>(&*event);
    ASSERT_NE(allocated, nullptr) << std::get<Failure>(*event).reason;
    EXPECT_EQ(allocated->relayed.family(), Family::ipv4);
    ASSERT_TRUE(allocated->relayed_additional);
    EXPECT_EQ(allocated->relayed_additional->family(), Family::ipv6);
    EXPECT_EQ(use.hairpin(allocated->relayed), 24U);
    EXPECT_EQ(use.hairpin(*allocated->relayed_additional), 24U);
    EXPECT_GE(relay.wait_for_allocations(2), 1);
    EXPECT_TRUE(use.release());
    EXPECT_EQ(relay.wait_for_allocations(0), 0);
  }
}

TEST_P(AllocationTest, TheFamilyThatWasAskedForIsRelayed) {
  const LiveRelay relay(with(both_families));
  for (const auto family : {Family::ipv4, Family::ipv6}) {
    auto asked = config(relay);
    asked.address_family = family;
    Use use(ipv4(relay), asked);
    const auto event = use.allocate();
    ASSERT_TRUE(event);
    const auto* allocated = std::get_if<Allocated>(&*event);
    ASSERT_NE(allocated, nullptr) << std::get<Failure>(*event).reason;
    EXPECT_EQ(allocated->relayed.family(), family);
    EXPECT_FALSE(allocated->relayed_additional);
    EXPECT_EQ(use.hairpin(allocated->relayed), 24U);
    EXPECT_TRUE(use.release());
  }
}

TEST_P(AllocationTest, AFamilyThatTheRelayLacksIsNamed) {
  const LiveRelay relay(with(""));
  auto ipv6_only = config(relay);
  ipv6_only.address_family = Family::ipv6;
  Use single(ipv4(relay), ipv6_only);
  const auto refused = single.allocate();
  ASSERT_TRUE(refused);
  ASSERT_TRUE(std::holds_alternative<Failure>(*refused));
  EXPECT_EQ(std::get<Failure>(*refused).code, 440);

  auto both = config(relay);
  both.dual = true;
  Use dual(ipv4(relay), both);
  const auto event = dual.allocate();
  ASSERT_TRUE(event);
  const auto* allocated = std::get_if<Allocated>(&*event);
  ASSERT_NE(allocated, nullptr) << std::get<Failure>(*event).reason;
  EXPECT_EQ(allocated->relayed.family(), Family::ipv4);
  EXPECT_FALSE(allocated->relayed_additional) << allocated->relayed_additional->to_string();
  EXPECT_EQ(allocated->additional_refused, 440);
  EXPECT_TRUE(dual.release());
}

TEST_P(AllocationTest, ARelayThatRelaysNoUdpSays442) {
  const LiveRelay relay(with("no-udp-relay"));
  Use use(ipv4(relay), config(relay));
  const auto event = use.allocate();
  ASSERT_TRUE(event);
  ASSERT_TRUE(std::holds_alternative<Failure>(*event));
  EXPECT_EQ(std::get<Failure>(*event).code, 442);
}

TEST_P(AllocationTest, ARedirectIsToldWithItsAddress) {
  const LiveRelay relay(with("alternate-server=127.0.0.1:3999"));
  Use use(ipv4(relay), config(relay));
  const auto event = use.allocate();
  ASSERT_TRUE(event);
  ASSERT_TRUE(std::holds_alternative<Failure>(*event));
  const auto& failure = std::get<Failure>(*event);
  EXPECT_EQ(failure.code, 300);
  ASSERT_TRUE(failure.alternate_server);
  EXPECT_EQ(failure.alternate_server->to_string(), "127.0.0.1:3999");
  EXPECT_FALSE(use.client().needs_release());
}

// What coturn offers today. The day this fails, the SHA-256 side of the engine meets a real relay: test it here.
TEST_P(AllocationTest, CoturnOffersNoSha256) {
  const LiveRelay relay(with(""));
  Use use(ipv4(relay), config(relay));
  ASSERT_TRUE(use.allocate());
  EXPECT_TRUE(use.client().challenged());
  EXPECT_FALSE(use.client().uses_sha256());
}

}  // namespace
}  // namespace turnkeeper::turn
