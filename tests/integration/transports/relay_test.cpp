// What a user of each transport gets from a real relay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "secure_relay.hpp"
#include "waiting_client.hpp"

namespace turnkeeper::turn::test {
namespace {

using Family = SocketAddress::Family;

// One relay of each version for all tests: they take a moment to start.
struct Relays {
  explicit Relays(const std::string& version)
      : authority(directory.path()),
        relay(version, authority.issue({.names = {"turn.example.org"}, .addresses = {"127.0.0.1", "::1"}})),
        tls(make_tls_context({.ca_file = authority.file()}).value()) {}

  static Relays& of(const std::string& version) {
    static std::map<std::string, std::unique_ptr<Relays>> all;
    auto& one = all[version];
    if (!one) one = std::make_unique<Relays>(version);
    return *one;
  }

  TemporaryDirectory directory;
  testbed::Authority authority;
  SecureRelay relay;
  std::shared_ptr<TlsContext> tls;
};

class EveryTransport : public testing::TestWithParam<std::tuple<const char*, Protocol, Family>> {
 protected:
  EveryTransport()
      : relays(Relays::of(std::get<0>(GetParam()))),
        protocol(std::get<1>(GetParam())),
        family(std::get<2>(GetParam())),
        secure(protocol == Protocol::tls || protocol == Protocol::dtls) {}

  Outcome connect_to_relay() {
    auto outcome = connect_and_wait(io, relays.relay.endpoint(protocol, family),
                                    {.tls = relays.tls, .server_name = "turn.example.org"});
    return outcome ? std::move(*outcome) : tl::unexpected(ConnectFailure{.detail = "no outcome"});
  }

  Relays& relays;
  Protocol protocol;
  Family family;
  bool secure;
  boost::asio::io_context io;
};

TEST_P(EveryTransport, AllocationEchoesThroughItself) {
  auto connected = connect_to_relay();
  ASSERT_TRUE(connected) << connected.error().detail;
  EXPECT_EQ(connected->certificate.has_value(), secure);
  if (secure) {
    EXPECT_THAT(connected->certificate->names, testing::Contains("turn.example.org"));
    EXPECT_THAT(connected->tls_version, testing::StartsWith(protocol == Protocol::tls ? "TLSv1." : "DTLSv1."));
    EXPECT_GT(connected->tls_time.count(), 0);
  }
  EXPECT_EQ(connected->transport->reliable(), protocol == Protocol::tcp || protocol == Protocol::tls);
  EXPECT_EQ(connected->transport->server().family(), family);

  WaitingClient client(io, std::move(connected->transport), relays.relay.credential(), family);
  const auto event = client.allocate();
  ASSERT_TRUE(event && std::holds_alternative<Allocated>(*event));
  EXPECT_EQ(std::get<Allocated>(*event).relayed.family(), family);
  // Every remainder of a length by four: streams pad, datagrams do not.
  for (const auto* text : {"abcd", "abcde", "abcdef", "abcdefg"}) EXPECT_EQ(client.echo(text), text);
  EXPECT_EQ(client.echo(std::string(1200, 'x')), std::string(1200, 'x'));

  const auto released = client.release();
  ASSERT_TRUE(released && std::holds_alternative<Released>(*released));
}

TEST_P(EveryTransport, NothingStaysOnTheRelayWhenTheClientIsDropped) {
  auto connected = connect_to_relay();
  ASSERT_TRUE(connected) << connected.error().detail;
  std::uint16_t port = 0;
  {
    WaitingClient client(io, std::move(connected->transport), relays.relay.credential());
    const auto event = client.allocate();
    ASSERT_TRUE(event && std::holds_alternative<Allocated>(*event));
    port = std::get<Allocated>(*event).relayed.port();
    ASSERT_TRUE(relays.relay.holds(port, true));
  }
  EXPECT_FALSE(relays.relay.holds(port, false));
}

TEST_P(EveryTransport, SecondHandshakeIsResumed) {
  if (!secure) return;
  const auto tls = make_tls_context({.ca_file = relays.authority.file()}).value();
  const auto resumed = [&] {
    auto connected =
        connect_and_wait(io, relays.relay.endpoint(protocol, family), {.tls = tls, .server_name = "turn.example.org"});
    EXPECT_TRUE(connected && *connected);
    if (!connected || !*connected) return false;
    EXPECT_THAT((*connected)->certificate->names, testing::Contains("turn.example.org"));
    // TLS 1.3 sends tickets with the first data.
    WaitingClient client(io, std::move((*connected)->transport), relays.relay.credential());
    EXPECT_TRUE(client.allocate());
    client.release();
    return (*connected)->resumed;
  };
  EXPECT_FALSE(resumed());
  EXPECT_TRUE(resumed());
  EXPECT_TRUE(resumed());
}

INSTANTIATE_TEST_SUITE_P(Coturn, EveryTransport,
                         testing::Combine(testing::Values("4.6.1", "4.18.0"),
                                          testing::Values(Protocol::udp, Protocol::tcp, Protocol::tls, Protocol::dtls),
                                          testing::Values(Family::ipv4, Family::ipv6)),
                         [](const auto& about) {
                           std::string version = std::get<0>(about.param);
                           std::erase(version, '.');
                           return version + "_" + std::string(protocol_name(std::get<1>(about.param))) +
                                  (std::get<2>(about.param) == Family::ipv4 ? "_ipv4" : "_ipv6");
                         });

}  // namespace
}  // namespace turnkeeper::turn::test
