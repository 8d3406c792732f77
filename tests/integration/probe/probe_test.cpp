// Full probes of a real coturn, and of things that are none.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <random>
#include <thread>

#include "live_relay.hpp"
#include "monitor/probe/hairpin.hpp"
#include "prober.hpp"
#include "turnkeeper/turn/channel_data.hpp"
#include "turnkeeper/turn/udp_transport.hpp"
#include "udp_peer.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using api::Cause;
using turn::Message;
using turn::MessageBuilder;
using turn::MessageClass;
using turn::Method;

turn::SocketAddress somewhere() {
  return *turn::SocketAddress::parse("127.0.0.1:40000");
}

std::optional<Datagram> answer_binding(const Message& request) {
  return MessageBuilder(Method::binding, MessageClass::success, request.transaction_id())
      .address(turn::AttributeType::xor_mapped_address, somewhere())
      .finish();
}

std::optional<Datagram> challenge(const Message& request) {
  return MessageBuilder(request.method(), MessageClass::error, request.transaction_id())
      .error_code(401, "Unauthorized")
      .text(turn::AttributeType::realm, "example.org")
      .text(turn::AttributeType::nonce, "nonce")
      .finish();
}

TEST_F(ProbeTest, AGoodRelayIsProvenPhaseByPhaseAndLeftClean) {
  LiveRelay relay;
  const auto result = probe(target(relay));
  EXPECT_TRUE(result.ok) << result.detail;
  EXPECT_EQ(result.cause, Cause::none);
  EXPECT_EQ(result.server, "127.0.0.1:" + std::to_string(relay.port()));
  EXPECT_TRUE(result.relayed_address.starts_with("127.0.0.1:")) << result.relayed_address;
  std::vector<Phase> phases;
  std::chrono::nanoseconds sum{0};
  for (const auto& [phase, time] : result.phases) {
    phases.push_back(phase);
    sum += time;
    std::printf("%s %.3f ms\n", std::string(phase_name(phase)).c_str(), static_cast<double>(time.count()) / 1e6);
  }
  EXPECT_EQ(phases, (std::vector{Phase::connect, Phase::allocate, Phase::bind, Phase::echo, Phase::refresh}));
  EXPECT_LE(sum, result.total);
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(ProbeTest, AMonitorThatStoodStillAccusesNoRelay) {
  LiveRelay relay;
  std::optional<ProbeResult> result;
  const ProbeOptions options{.deadline = Deadline::after(real_clock(), 2s)};
  boost::asio::co_spawn(io, monitor::probe(target(relay), options),
                        [&](const std::exception_ptr&, ProbeResult probed) { result = std::move(probed); });
  // The first request is on its way.
  io.poll();
  std::this_thread::sleep_until(options.deadline.at());
  while (!result && io.run_one() > 0) {
  }
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->ok) << result->detail;
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(ProbeTest, ManyProbesInARowAllSucceed) {
  // coturn 4.6.1 holds a relayed port for about a second after Refresh(0).
  LiveRelay relay({.relayed_ports = 1000});
  for (int i = 0; i < 200; ++i) {
    const auto result = probe(target(relay));
    ASSERT_TRUE(result.ok) << "probe " << i << ": " << result.detail;
  }
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(ProbeTest, AWrongSecretIsAnAuthenticationFailure) {
  LiveRelay relay;
  auto wrong = target(relay);
  wrong.credential = turn::time_limited_credential(Secret("south"), "test", real_clock().system() + 1h);
  expect_failure(probe(wrong), Cause::auth_secret);
}

TEST_F(ProbeTest, AnExpiredUserNameIsAnAuthenticationFailure) {
  LiveRelay relay;
  auto expired = target(relay);
  expired.credential = relay.credential(-1h);
  expect_failure(probe(expired), Cause::auth_secret);
}

TEST_F(ProbeTest, ADeniedOwnAddressIsPeerDeniedAndLeavesNoAllocation) {
  LiveRelay relay({.allow_own_address = false});
  const auto result = probe(target(relay));
  expect_failure(result, Cause::peer_denied);
  EXPECT_FALSE(result.relayed_address.empty());
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(ProbeTest, ARedirectIsReportedWithItsDestination) {
  LiveRelay relay({.extra_config = "alternate-server=127.0.0.2:3478"});
  const auto result = probe(target(relay));
  expect_failure(result, Cause::redirected);
  EXPECT_NE(result.detail.find("127.0.0.2:3478"), std::string::npos) << result.detail;
}

// While one allocation is held, the relay refuses the next for the reason that its configuration gives.
class FullRelayTest : public ProbeTest {
 protected:
  ProbeResult probe_while_one_is_held(
      LiveRelay& relay, const std::function<void()>& meanwhile = [] {}) {
    bool standing = false;
    bool released = false;
    Hairpin::Handlers handlers;
    handlers.on_standing = [&](auto) { standing = true; };
    handlers.on_failed = [&](const Diagnosis& diagnosis) { ADD_FAILURE() << diagnosis.detail; };
    handlers.on_released = [&](bool confirmed) { released = confirmed; };
    Hairpin::Config config;
    config.transport = *turn::open_udp(io.get_executor(), *turn::SocketAddress::from_ip(relay.host(), relay.port()));
    const auto credential = config.credential = relay.credential();
    const auto held = std::make_shared<Hairpin>(io.get_executor(), real_clock(), std::move(config), handlers);
    const Deadline deadline = Deadline::after(real_clock(), 5s);
    held->establish(deadline);
    while (!standing && !deadline.expired(real_clock())) io.run_one_for(100ms);
    EXPECT_TRUE(standing);
    meanwhile();
    auto target = ProbeTest::target(relay);
    target.credential = credential;
    const auto result = probe(target);
    held->release(Deadline::after(real_clock(), 2s));
    while (!released && io.run_one_for(2s) > 0) {
    }
    EXPECT_TRUE(released);
    return result;
  }
};

TEST_F(FullRelayTest, AUsedUpQuotaIsToldFromOtherRefusals) {
  LiveRelay relay({.extra_config = "user-quota=1"});
  expect_failure(probe_while_one_is_held(relay), Cause::quota);
}

TEST_F(FullRelayTest, UsedUpPortsAreToldFromOtherRefusals) {
  LiveRelay relay({.relayed_ports = 1});
  expect_failure(probe_while_one_is_held(relay), Cause::ports_exhausted);
}

TEST_F(FullRelayTest, ADrainingRelayIsToldFromABrokenOne) {
  LiveRelay relay({.program = LiveRelay::newest});  // the machine's own cannot drain
  const auto drain = [&] {
    relay.signal(SIGUSR1);
    // It takes note when it next wakes; until then it goes on allocating.
    const Deadline deadline = Deadline::after(real_clock(), 5s);
    while (probe(target(relay)).ok && !deadline.expired(real_clock())) {
    }
  };
  const auto result = probe_while_one_is_held(relay, drain);
  expect_failure(result, Cause::draining);
}

TEST_F(ProbeTest, EchoesThatDoNotReturnAreABrokenDataPath) {
  LiveRelay relay;
  UdpPath path(
      io, relay.port(), [](turn::Bytes) { return true; },
      [](turn::Bytes datagram) { return !turn::decode_channel_data(datagram); });
  const auto result = probe(target(path.port()), 1500ms);
  expect_failure(result, Cause::data_path);
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(ProbeTest, AnAllocationWhoseAnswerIsLostIsReleasedAllTheSame) {
  LiveRelay relay;
  UdpPath path(
      io, relay.port(), [](turn::Bytes) { return true; },
      [](turn::Bytes datagram) {
        const auto message = Message::decode(datagram);
        return !message || message->method() != Method::allocate || message->message_class() != MessageClass::success;
      });
  const auto result = probe(target(path.port()), 1500ms);
  expect_failure(result, Cause::allocate_timeout);
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(ProbeTest, ACancelledProbeEndsSoonAndReleasesItsAllocation) {
  LiveRelay relay;
  UdpPath path(
      io, relay.port(), [](turn::Bytes) { return true; },
      [](turn::Bytes datagram) { return !turn::decode_channel_data(datagram); });
  std::stop_source stop;
  boost::asio::steady_timer timer(io, 300ms);
  timer.async_wait([&](auto) {
    EXPECT_EQ(relay.wait_for_allocations(1), 1);
    stop.request_stop();
  });
  const auto started = real_clock().steady();
  const auto result = probe(target(path.port()), 30s, stop.get_token());
  EXPECT_LT(real_clock().steady() - started, 5s);
  expect_failure(result, Cause::internal);
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(ProbeTest, LostDatagramsAreRepeated) {
  LiveRelay relay;
  std::mt19937 random(1);
  UdpPath path(
      io, relay.port(), [&](turn::Bytes) { return random() % 3 != 0; }, [&](turn::Bytes) { return random() % 3 != 0; });
  const auto result = probe(target(path.port()), 30s);
  EXPECT_TRUE(result.ok) << result.detail;
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(ProbeTest, ARelayThatAnswersBindingOnlyIsDeadToAllocate) {
  UdpServer server(io, [](turn::Bytes bytes) -> std::optional<Datagram> {
    const auto request = Message::decode(bytes);
    return request && request->method() == Method::binding ? answer_binding(*request) : std::nullopt;
  });
  expect_failure(probe(target(server.port()), 1s), Cause::allocate_timeout);
}

TEST_F(ProbeTest, ARelayThatStopsAfterItsChallengeIsDeadToAllocate) {
  UdpServer server(io, [](turn::Bytes bytes) -> std::optional<Datagram> {
    const auto request = Message::decode(bytes);
    return request && !request->find(turn::AttributeType::username) ? challenge(*request) : std::nullopt;
  });
  expect_failure(probe(target(server.port()), 1s), Cause::allocate_timeout);
}

TEST_F(ProbeTest, ABlackHoleIsATimeout) {
  UdpServer server(io, [](turn::Bytes) { return std::nullopt; });
  const auto result = probe(target(server.port()), 1s);
  expect_failure(result, Cause::connect_timeout);
  EXPECT_GE(server.received(), 4);  // retransmitted, and a Binding tried
}

TEST_F(ProbeTest, NothingListeningIsRefusedAtOnce) {
  const auto started = real_clock().steady();
  expect_failure(probe(target(free_udp_port()), 10s), Cause::connect_refused);
  EXPECT_LT(real_clock().steady() - started, 5s);
}

TEST_F(ProbeTest, ForgedAnswersAreAProtocolFailureAndNeverASuccess) {
  UdpServer server(io, [](turn::Bytes bytes) -> std::optional<Datagram> {
    const auto request = Message::decode(bytes);
    if (!request->find(turn::AttributeType::username)) return challenge(*request);
    return MessageBuilder(request->method(), MessageClass::success, request->transaction_id())
        .address(turn::AttributeType::xor_relayed_address, somewhere())
        .lifetime(600s)
        .integrity("guessed")
        .finish();
  });
  expect_failure(probe(target(server.port()), 1s), Cause::protocol);
}

TEST_F(ProbeTest, AHostileServerNeitherCrashesNorHoldsTheProber) {
  std::mt19937 random(20260801);
  for (int round = 0; round < 20; ++round) {
    UdpServer server(io, [&](turn::Bytes bytes) -> std::optional<Datagram> {
      const auto request = Message::decode(bytes);
      Datagram answer(bytes.begin(), bytes.end());
      switch (random() % 4) {
        case 0:
          answer.resize(random() % 600);
          for (auto& byte : answer) byte = static_cast<std::uint8_t>(random());
          break;
        case 1:
          if (request) answer = *challenge(*request);
          answer[random() % answer.size()] ^= static_cast<std::uint8_t>(random());
          break;
        case 2:
          if (request) answer = *challenge(*request);
          break;
        default:
          answer[0] ^= 0x01;  // its own request back as a response
          answer[random() % answer.size()] ^= static_cast<std::uint8_t>(random());
      }
      return answer;
    });
    const auto result = probe(target(server.port()), 300ms);
    EXPECT_FALSE(result.ok);
    EXPECT_NE(result.cause, Cause::none);
  }
}

}  // namespace
}  // namespace turnkeeper::monitor
