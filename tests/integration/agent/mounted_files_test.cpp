// What changes in the agent's mounted files while calls go on: certificate and public addresses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "blocking_client.hpp"
#include "running_agent.hpp"
#include "waiting_client.hpp"

namespace turnkeeper::agent {
namespace {

using namespace std::chrono_literals;
using test::BlockingClient;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* with_tls = R"({"realm": "turn.example.org", "transports": ["UDP", "TLS"],
    "ports": {"turn": 3478, "turns": 5349, "relayMin": 50000, "relayMax": 59999}, "limits": {"sessionsPerUser": 0}})";
constexpr const char* behind_nat = R"({"realm": "turn.example.org", "limits": {"sessionsPerUser": 0},
    "addressFrom": "map", "waitForAddress": true})";

class MountedFilesTest : public testing::TestWithParam<const char*> {
 protected:
  std::optional<turn::Connection> connect() {
    auto outcome = turn::test::connect_and_wait(
        io_, {turn::Protocol::tls, *turn::SocketAddress::parse("10.77.0.1:5349")}, {.tls = tls_});
    if (!outcome || !*outcome) return std::nullopt;
    return std::move(**outcome);
  }
  std::string serial_shown() {
    const auto connection = connect();
    return connection ? connection->certificate->serial : "none";
  }
  std::string serial_told() { return agent_.state().value("certificateSerial", "none"); }
  // The address that a new call gets.
  std::string relayed() {
    BlockingClient call(RunningAgent::relay, credential(agent_.secret));
    const std::string answer = call.allocate();
    return answer.empty() ? call.relayed().ip_string() : answer;
  }

  TemporaryAuthority authority_;
  RunningAgent agent_;
  boost::asio::io_context io_;
  std::shared_ptr<turn::TlsContext> tls_ = turn::make_tls_context({.verify = false, .resume = false}).value();
};

INSTANTIATE_TEST_SUITE_P(Versions, MountedFilesTest, each_coturn, coturn_name);

TEST_P(MountedFilesTest, ARenewedCertificateIsLoadedUnderALiveCallAndABadOneIsNot) {
  const auto first = authority_.issue();
  agent_.mount_certificate(first);
  agent_.start({.turnserver = GetParam(), .relay_json = with_tls});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  ASSERT_TRUE(eventually([&] { return serial_shown() != "none"; }));
  const std::string before = serial_shown();
  EXPECT_EQ(serial_told(), before);
  const pid_t coturn = agent_.coturn_pid();
  auto connection = connect();
  turn::test::WaitingClient call(io_, std::move(connection->transport), credential(agent_.secret));
  const auto event = call.allocate();
  ASSERT_TRUE(event && std::holds_alternative<turn::Allocated>(*event));
  ASSERT_EQ(call.echo("before"), "before");

  const auto second = authority_.issue();
  agent_.mount_certificate({.certificate = second.certificate, .key = first.key});
  ASSERT_TRUE(eventually([&] { return agent_.log().find("is not the key of the certificate") != std::string::npos; }));
  EXPECT_EQ(serial_told(), before);
  EXPECT_EQ(serial_shown(), before);

  agent_.mount_certificate(second);
  EXPECT_TRUE(eventually([&] { return serial_told() != before; })) << agent_.log();
  EXPECT_TRUE(eventually([&] { return serial_shown() == serial_told(); })) << agent_.log();
  EXPECT_NE(serial_shown(), before);
  for (int round = 0; round < 20; ++round) ASSERT_EQ(call.echo("after"), "after") << round;
  EXPECT_EQ(agent_.coturn_pid(), coturn);
  call.release();
}

TEST_P(MountedFilesTest, FollowsItsOwnPublicAddressAndNoOther) {
  agent_.start({.turnserver = GetParam(),
                .relay_json = behind_nat,
                .arguments = {"--pod=calls-eu-0", "--node=node-a"},
                .addresses_json = R"({"relays": {"calls-eu-1": ["1.2.3.9"]}})"});
  std::string body;
  ASSERT_TRUE(eventually([&] { return agent_.get("/readyz", &body) == 503; })) << agent_.log();
  EXPECT_THAT(body, HasSubstr("waits for its public address"));
  EXPECT_EQ(agent_.get("/healthz"), 200);
  EXPECT_THAT(agent_.state().at("problem").get<std::string>(), HasSubstr("waits for its public address"));

  agent_.write_addresses(R"({"nodes": {"node-a": ["1.2.3.4", "2606:4700::4"]}})");
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  EXPECT_EQ(relayed(), "1.2.3.4");
  const pid_t coturn = agent_.coturn_pid();

  // Another relay's address, and a limit for new sessions: no reason to cut calls. Neither is an entry that is gone.
  agent_.write_addresses(R"({"relays": {"calls-eu-1": ["1.2.3.8"]}, "bitsPerSecondPerSession": 1000000})");
  ASSERT_TRUE(eventually([&] { return agent_.log().find("bytes_per_second=125000") != std::string::npos; }));
  EXPECT_EQ(agent_.coturn_pid(), coturn);
  EXPECT_EQ(relayed(), "1.2.3.4");

  agent_.write_addresses(R"({"nodes": {"node-a": ["1.2.3.4"]}, "relays": {"calls-eu-0": ["1.2.3.5"]}})");
  EXPECT_TRUE(eventually([&] { return relayed() == "1.2.3.5"; }, 10s)) << agent_.log();
  EXPECT_TRUE(agent_.wait_until_ready());
  EXPECT_EQ(agent_.state().at("starts"), 2);
}

class CertificateTest : public MountedFilesTest {};
INSTANTIATE_TEST_SUITE_P(Debian12, CertificateTest, testing::Values("turnserver"));

TEST_P(CertificateTest, ARelayWaitsForItsCertificateAndGoesOnWithTheOneItHad) {
  agent_.start({.relay_json = with_tls});
  std::string body;
  ASSERT_TRUE(eventually([&] { return agent_.get("/readyz", &body) == 503; })) << agent_.log();
  EXPECT_THAT(body, HasSubstr("waits for its certificate"));
  const auto files = authority_.issue();
  agent_.mount_certificate(files);
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  const std::string serial = serial_told();

  // The container is started again, and the Secret is broken meanwhile.
  agent_.mount_certificate({.certificate = files.key, .key = files.certificate});
  agent_.start({.relay_json = with_tls});
  ASSERT_TRUE(agent_.wait_until_ready()) << agent_.log();
  EXPECT_EQ(serial_told(), serial);
  EXPECT_TRUE(eventually([&] { return serial_shown() == serial; }));
}

}  // namespace
}  // namespace turnkeeper::agent
