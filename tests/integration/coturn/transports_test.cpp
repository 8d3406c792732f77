// What lib/coturn's configuration offers to clients over each transport and family, and what changes while they talk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "blocking_client.hpp"
#include "relay_under_test.hpp"
#include "tests/support/certificates.hpp"
#include "turnkeeper/base/child_process.hpp"
#include "waiting_client.hpp"

namespace turnkeeper::coturn {
namespace {

using namespace std::chrono_literals;
using api::Transport;
using test::BlockingClient;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using turn::Endpoint;
using turn::Protocol;
using turn::SocketAddress;
using turn::test::WaitingClient;

constexpr const char* ipv4 = "10.77.0.1";
constexpr const char* ipv6 = "2001:db8::7";

class TransportsTest : public testing::TestWithParam<const char*> {
 protected:
  TransportsTest() {
    std::string name = testing::TempDir() + "certificates.XXXXXX";
    directory_ = mkdtemp(name.data());
    authority_.emplace(directory_);
    install_certificate();
  }
  ~TransportsTest() override { std::filesystem::remove_all(directory_); }

  // As SIGUSR2 is going to find it.
  void install_certificate() {
    const auto files = authority_->issue({.names = {"turn.example.org"}});
    std::filesystem::rename(files.certificate, directory_ + "/tls.crt");
    std::filesystem::rename(files.key, directory_ + "/tls.key");
  }

  [[nodiscard]] Settings offering(std::vector<Transport> transports) const {
    return {.addresses = {{ipv4}, {ipv6}},
            .ports = {.turn = 3478, .turns = 5349, .relay_min = 50000, .relay_max = 59999},
            .transports = std::move(transports),
            .tls = {directory_ + "/tls.crt", directory_ + "/tls.key"}};
  }

  static turn::Credential credential(const RelayUnderTest& relay) {
    return turn::time_limited_credential(relay.secret, "test", real_clock().system() + 1h);
  }

  // Its listeners do not all begin at the same moment.
  std::optional<turn::Connection> connect(Protocol protocol, const std::string& address, std::uint16_t port) {
    const Endpoint endpoint{protocol, SocketAddress::from_ip(address, port).value()};
    for (int attempt = 0; attempt < 3; ++attempt) {
      auto outcome = turn::test::connect_and_wait(
          io_, endpoint,
          {.tls = tls_, .server_name = "turn.example.org", .deadline = Deadline::after(real_clock(), 2s)});
      if (outcome && *outcome) return std::move(**outcome);
      std::this_thread::sleep_for(100ms);
    }
    return std::nullopt;
  }
  std::string serial_shown(Protocol protocol) {
    const auto connection = connect(protocol, ipv4, 5349);
    return connection && connection->certificate ? connection->certificate->serial : "none";
  }

  // Nobody has the port.
  static bool is_free(int type, std::uint16_t port) {
    const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    return bound;
  }

  std::string directory_;
  std::optional<testbed::Authority> authority_;
  boost::asio::io_context io_;
  // No resumption: it would not show the certificate of now.
  std::shared_ptr<turn::TlsContext> tls_ = turn::make_tls_context({.verify = false, .resume = false}).value();
};

INSTANTIATE_TEST_SUITE_P(Versions, TransportsTest,
                         testing::Values("turnserver", TURNKEEPER_SOURCE_DIR "/tests/support/bin/turnserver-4.18"),
                         [](const auto& info) { return std::string(info.index == 0 ? "Debian12" : "Newest"); });

TEST_P(TransportsTest, ServesEveryTransportInBothFamilies) {
  RelayUnderTest relay(GetParam(), offering({Transport::udp, Transport::tcp, Transport::tls, Transport::dtls}));
  for (const char* address : {ipv4, ipv6}) {
    for (const auto protocol : {Protocol::udp, Protocol::tcp, Protocol::tls, Protocol::dtls}) {
      SCOPED_TRACE(std::string(turn::protocol_name(protocol)) + " " + address);
      const bool secure = protocol == Protocol::tls || protocol == Protocol::dtls;
      auto connection = connect(protocol, address, secure ? 5349 : 3478);
      ASSERT_TRUE(connection);
      const char* tls = protocol == Protocol::tls ? "TLSv1.[23]" : protocol == Protocol::dtls ? "DTLSv1.2" : "";
      EXPECT_THAT(connection->tls_version, MatchesRegex(tls));  // Debian 12's coturn is built without 1.3
      WaitingClient client(io_, std::move(connection->transport), credential(relay));
      const auto event = client.allocate();
      ASSERT_TRUE(event && std::holds_alternative<turn::Allocated>(*event));
      EXPECT_EQ(std::get<turn::Allocated>(*event).relayed.ip_string(), ipv4) << "RFC 8656: IPv4 by default";
      EXPECT_EQ(client.echo("hairpin"), "hairpin");
      client.release();
    }
  }
  auto connection = connect(Protocol::udp, ipv4, 3478);
  WaitingClient client(io_, std::move(connection->transport), credential(relay), SocketAddress::Family::ipv6);
  const auto event = client.allocate();
  ASSERT_TRUE(event && std::holds_alternative<turn::Allocated>(*event));
  EXPECT_EQ(std::get<turn::Allocated>(*event).relayed.ip_string(), ipv6);
  EXPECT_EQ(client.echo("hairpin"), "hairpin");
  client.release();
  EXPECT_THAT(relay.complaints(), IsEmpty());
}

TEST_P(TransportsTest, GivesOutThePublicAddressOfEachFamily) {
  Settings settings = offering({Transport::udp});
  settings.addresses = {{ipv4, "1.2.3.4"}, {ipv6, "2606:4700::7"}};
  RelayUnderTest relay(GetParam(), settings);
  for (const auto& [family, outside] :
       {std::pair{SocketAddress::Family::ipv4, "1.2.3.4"}, std::pair{SocketAddress::Family::ipv6, "2606:4700::7"}}) {
    auto connection = connect(Protocol::udp, ipv4, 3478);
    WaitingClient client(io_, std::move(connection->transport), credential(relay), family);
    const auto event = client.allocate();
    ASSERT_TRUE(event && std::holds_alternative<turn::Allocated>(*event)) << outside;
    EXPECT_EQ(std::get<turn::Allocated>(*event).relayed.ip_string(), outside);
    EXPECT_EQ(client.echo("hairpin"), "hairpin") << outside;
    client.release();
  }
}

TEST_P(TransportsTest, ServesTlsAndNothingElseWhenThatIsAskedFor) {
  RelayUnderTest relay(GetParam(), offering({Transport::tls}));
  auto connection = connect(Protocol::tls, ipv4, 5349);
  ASSERT_TRUE(connection);
  WaitingClient client(io_, std::move(connection->transport), credential(relay));
  const auto event = client.allocate();
  EXPECT_TRUE(event && std::holds_alternative<turn::Allocated>(*event));
  EXPECT_EQ(client.echo("hairpin"), "hairpin");
  client.release();
  EXPECT_TRUE(is_free(SOCK_STREAM, 3478));
  EXPECT_TRUE(is_free(SOCK_DGRAM, 3478));
  EXPECT_TRUE(is_free(SOCK_DGRAM, 5349));
  EXPECT_FALSE(is_free(SOCK_STREAM, 5349));
}

TEST_P(TransportsTest, RefusesOutdatedTls) {
  RelayUnderTest relay(GetParam(), offering({Transport::udp, Transport::tls}));
  ASSERT_TRUE(connect(Protocol::tls, ipv4, 5349));
  const auto handshake = [](const std::string& options) {
    const auto output = run_command({"sh", "-c", "openssl s_client -connect 10.77.0.1:5349 " + options + " </dev/null"},
                                    Deadline::after(real_clock(), 10s));
    return output ? output->text : output.error().text();
  };
  EXPECT_THAT(handshake("-tls1_2"), HasSubstr("Cipher is ECDHE-"));
  for (const char* outdated :
       {"-tls1 -cipher ALL@SECLEVEL=0", "-tls1_1 -cipher ALL@SECLEVEL=0", "-tls1_2 -cipher AES128-GCM-SHA256",
        "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"}) {
    EXPECT_THAT(handshake(outdated), HasSubstr("Cipher is (NONE)")) << outdated;
  }
}

TEST_P(TransportsTest, ARenewedCertificateCutsNoSession) {
  RelayUnderTest relay(GetParam(), offering({Transport::udp, Transport::tls, Transport::dtls}));
  auto over_tls = connect(Protocol::tls, ipv4, 5349);
  auto over_dtls = connect(Protocol::dtls, ipv4, 5349);
  ASSERT_TRUE(over_tls && over_dtls);
  const std::string before = over_tls->certificate->serial;
  WaitingClient tls_call(io_, std::move(over_tls->transport), credential(relay));
  WaitingClient dtls_call(io_, std::move(over_dtls->transport), credential(relay));
  for (auto* call : {&tls_call, &dtls_call}) {
    const auto event = call->allocate();
    ASSERT_TRUE(event && std::holds_alternative<turn::Allocated>(*event));
    ASSERT_EQ(call->echo("before"), "before");
  }

  install_certificate();
  ASSERT_TRUE(relay.process().reload_certificate());
  for (const auto protocol : {Protocol::tls, Protocol::dtls}) {
    std::string after = before;
    for (int attempt = 0; attempt < 50 && after == before; ++attempt) {
      after = serial_shown(protocol);
      std::this_thread::sleep_for(20ms);
    }
    EXPECT_NE(after, before) << turn::protocol_name(protocol);
    EXPECT_NE(after, "none") << turn::protocol_name(protocol);
  }
  for (int round = 0; round < 50; ++round) {
    ASSERT_EQ(tls_call.echo("after"), "after") << round;
    ASSERT_EQ(dtls_call.echo("after"), "after") << round;
  }
  EXPECT_EQ(relay.process().starts(), 1);
}

TEST_P(TransportsTest, LimitsNewSessionsWithoutARestart) {
  Settings settings = offering({Transport::udp});
  settings.limits = {.sessions = 0, .sessions_per_user = 0, .bits_per_second_per_session = 800'000'000};
  RelayUnderTest relay(GetParam(), settings);
  // 100 kB at once: more than the limit below lets through in two seconds.
  const std::string payload(1000, 'x');
  const auto all_come_back = [&](BlockingClient& client) {
    for (int sent = 0; sent < 100; ++sent) {
      if (!client.echo(payload)) return false;
    }
    return true;
  };
  BlockingClient earlier(relay.where(), credential(relay));
  ASSERT_EQ(earlier.allocate(), "");
  ASSERT_EQ(earlier.bind_channel(earlier.relayed()), "");
  ASSERT_TRUE(all_come_back(earlier));

  ASSERT_TRUE(relay.database().limit_sessions(RelayUnderTest::realm, 20'000));
  const SteadyTime until = real_clock().steady() + 10s;
  bool limited = false;
  while (!limited && real_clock().steady() < until) {
    BlockingClient later(relay.where(), credential(relay));
    ASSERT_EQ(later.allocate(), "");
    ASSERT_EQ(later.bind_channel(later.relayed()), "");
    limited = !all_come_back(later);
    std::this_thread::sleep_for(100ms);
  }
  EXPECT_TRUE(limited);
  EXPECT_TRUE(all_come_back(earlier)) << "a call that was there keeps its bandwidth";
  EXPECT_EQ(relay.process().starts(), 1);
}

}  // namespace
}  // namespace turnkeeper::coturn
