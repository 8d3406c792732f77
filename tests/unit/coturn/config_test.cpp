#include "turnkeeper/coturn/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace turnkeeper::coturn {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

Settings settings() {
  return {.realm = "turn.example.org",
          .addresses = {{"203.0.113.7"}},
          .database = "/state/turndb",
          .pid_file = "/state/pid"};
}

std::multiset<std::string> lines_of(const Settings& wanted, Version version) {
  const auto text = render(wanted, version);
  EXPECT_TRUE(text) << text.error().text();
  std::multiset<std::string> lines;
  std::istringstream stream(text.value_or(""));
  for (std::string line; std::getline(stream, line);) lines.insert(line);
  return lines;
}

TEST(ConfigTest, SaysWhereToListenAndRelay) {
  Settings wanted = settings();
  wanted.ports = {.turn = 3479, .relay_min = 50000, .relay_max = 50010};
  const auto lines = lines_of(wanted, {4, 18, 0});
  for (const char* line : {"listening-ip=203.0.113.7", "relay-ip=203.0.113.7", "listening-port=3479", "min-port=50000",
                           "max-port=50010", "realm=turn.example.org", "log-file=stdout", "pidfile=/state/pid"}) {
    EXPECT_THAT(lines, Contains(line));
  }
  EXPECT_THAT(lines, Not(Contains(HasSubstr("external-ip"))));
}

TEST(ConfigTest, TakesSecretsFromTheDatabaseOnly) {
  for (const Version version : {Version{4, 5, 2}, Version{4, 6, 1}, Version{4, 18, 0}}) {
    const auto lines = lines_of(settings(), version);
    EXPECT_THAT(lines, Contains("use-auth-secret"));
    EXPECT_THAT(lines, Contains("userdb=/state/turndb"));
    EXPECT_THAT(lines, Not(Contains(HasSubstr("static-auth-secret"))));
  }
}

TEST(ConfigTest, TranslatesLimitsToBytesAndLeavesOutThoseThatDoNotLimit) {
  Settings wanted = settings();
  wanted.limits = {.sessions = 7, .sessions_per_user = 0, .bits_per_second_per_session = 8000, .bits_per_second = 0};
  const auto lines = lines_of(wanted, {4, 18, 0});
  EXPECT_THAT(lines, Contains("total-quota=7"));
  EXPECT_THAT(lines, Contains("max-bps=1000"));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("user-quota"))));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("bps-capacity"))));
}

TEST(ConfigTest, ClosesWhatEachVersionLeavesOpen) {
  EXPECT_THAT(lines_of(settings(), {4, 6, 1}), Contains("no-cli"));
  EXPECT_THAT(lines_of(settings(), {4, 9, 0}), Contains("no-cli"));
  EXPECT_THAT(lines_of(settings(), {4, 10, 0}), Not(Contains("no-cli")));
  EXPECT_THAT(lines_of(settings(), {4, 6, 3}), Contains("no-tlsv1"));
  EXPECT_THAT(lines_of(settings(), {4, 7, 0}), Not(Contains("no-tlsv1")));
  EXPECT_THAT(lines_of(settings(), {4, 5, 2}), Not(Contains("no-rfc5780")));
  EXPECT_THAT(lines_of(settings(), {4, 6, 0}), Contains("no-rfc5780"));
  EXPECT_THAT(lines_of(settings(), {4, 16, 0}), Contains("no-dtls"));
  EXPECT_THAT(lines_of(settings(), {4, 18, 0}), Not(Contains("no-dtls")));
  for (const Version version : {Version{4, 5, 2}, Version{4, 6, 1}, Version{4, 18, 0}}) {
    for (const char* line : {"no-tls", "no-tcp-relay", "no-multicast-peers", "stale-nonce=600"}) {
      EXPECT_THAT(lines_of(settings(), version), Contains(line)) << version.text();
    }
  }
}

TEST(ConfigTest, OffersOnlyTheTransportsAskedFor) {
  Settings wanted = settings();
  EXPECT_THAT(lines_of(wanted, {4, 18, 0}), Not(Contains(testing::AnyOf("no-udp", "no-tcp"))));
  wanted.transports = {api::Transport::udp};
  EXPECT_THAT(lines_of(wanted, {4, 18, 0}), Contains("no-tcp"));
  wanted.transports = {api::Transport::tcp};
  EXPECT_THAT(lines_of(wanted, {4, 18, 0}), Contains("no-udp"));
}

TEST(ConfigTest, ServesTlsAndDtlsHardenedOnAPortOfTheirOwn) {
  Settings wanted = settings();
  wanted.transports = {api::Transport::udp, api::Transport::tls, api::Transport::dtls};
  wanted.ports.turns = 443;
  wanted.tls = {"/state/tls.crt", "/state/tls.key"};
  for (const Version version : {Version{4, 5, 2}, Version{4, 6, 1}, Version{4, 18, 0}}) {
    const auto lines = lines_of(wanted, version);
    for (const char* line : {"tls-listening-port=443", "cert=/state/tls.crt", "pkey=/state/tls.key", "no-tcp",
                             "cipher-list=ECDHE+AESGCM:ECDHE+CHACHA20"}) {
      EXPECT_THAT(lines, Contains(line)) << version.text();
    }
    EXPECT_THAT(lines, Not(Contains(testing::AnyOf("no-tls", "no-dtls")))) << version.text();
    EXPECT_EQ(lines.count("dtls"), version >= (Version{4, 17, 0}) ? 1U : 0U) << version.text();
  }
  wanted.transports = {api::Transport::tls};
  EXPECT_THAT(lines_of(wanted, {4, 6, 1}), Contains("no-dtls"));
  EXPECT_THAT(lines_of(wanted, {4, 18, 0}), Not(Contains("dtls")));
  wanted.transports = {api::Transport::dtls};
  EXPECT_THAT(lines_of(wanted, {4, 18, 0}), Contains("no-tls"));
}

TEST(ConfigTest, ServesBothFamiliesEachWithItsOwnPublicAddress) {
  Settings wanted = settings();
  wanted.addresses = {{"10.0.0.7", "1.2.3.4"}, {"fd00::7", "2606:4700::7"}};
  const auto lines = lines_of(wanted, {4, 18, 0});
  for (const char* line : {"listening-ip=10.0.0.7", "listening-ip=fd00::7", "relay-ip=10.0.0.7", "relay-ip=fd00::7",
                           "external-ip=1.2.3.4/10.0.0.7", "external-ip=2606:4700::7/fd00::7",
                           "allowed-peer-ip=10.0.0.7", "allowed-peer-ip=fd00::7"}) {
    EXPECT_THAT(lines, Contains(line));
  }
  // RFC 8656: IPv4 unless the client asks for IPv6.
  EXPECT_THAT(lines, Not(Contains(HasSubstr("address-family"))));
  wanted.addresses = {{"fd00::7"}};
  EXPECT_THAT(lines_of(wanted, {4, 18, 0}), Contains("allocation-default-address-family=keep"));
}

TEST(ConfigTest, DeniesPrivatePeersButNotTheRelayItself) {
  Settings wanted = settings();
  wanted.addresses = {{"10.0.0.7"}};
  wanted.peers = {.deny = {"8.8.8.0/24"}, .allow = {"192.168.7.0/24"}};
  const auto lines = lines_of(wanted, {4, 6, 1});
  EXPECT_THAT(lines, Contains("denied-peer-ip=10.0.0.0-10.255.255.255"));
  EXPECT_THAT(lines, Contains("denied-peer-ip=169.254.0.0-169.254.255.255"));
  EXPECT_THAT(lines, Contains("denied-peer-ip=::ffff:0.0.0.0-::ffff:255.255.255.255"));
  EXPECT_THAT(lines, Contains("denied-peer-ip=8.8.8.0-8.8.8.255"));
  EXPECT_THAT(lines, Contains("allowed-peer-ip=192.168.7.0-192.168.7.255"));
  EXPECT_THAT(lines, Contains("allowed-peer-ip=10.0.0.7"));
  EXPECT_THAT(lines, Not(Contains("allow-loopback-peers")));
}

TEST(ConfigTest, LetsALoopbackRelayReachItself) {
  Settings wanted = settings();
  wanted.addresses = {{"127.0.0.1"}};
  const auto lines = lines_of(wanted, {4, 18, 0});
  EXPECT_THAT(lines, Contains("allow-loopback-peers"));
  EXPECT_THAT(lines, Contains("allowed-peer-ip=127.0.0.1"));
  EXPECT_THAT(lines, Contains("denied-peer-ip=127.0.0.0-127.255.255.255"));
}

TEST(ConfigTest, MapsThePublicAddressToTheInnerOne) {
  Settings wanted = settings();
  wanted.addresses = {{"10.0.0.7", "1.2.3.4"}};
  EXPECT_THAT(lines_of(wanted, {4, 18, 0}), Contains("external-ip=1.2.3.4/10.0.0.7"));
}

TEST(ConfigTest, NamesTheSettingThatIsWrong) {
  const auto message = [](auto change) {
    Settings wanted = settings();
    change(wanted);
    const auto text = render(wanted, {4, 18, 0});
    return text ? "accepted: " + *text : text.error().text();
  };
  EXPECT_THAT(message([](Settings& s) { s.realm = ""; }), HasSubstr("realm"));
  EXPECT_THAT(message([](Settings& s) { s.realm = "x\nno-auth"; }), HasSubstr("realm"));
  EXPECT_THAT(message([](Settings& s) { s.addresses = {{"relay.example.org"}}; }), HasSubstr("relay.example.org"));
  EXPECT_THAT(message([](Settings& s) {
                s.addresses = {{"203.0.113.7", "2001:db8::1"}};
              }),
              HasSubstr("different families"));
  EXPECT_THAT(message([](Settings& s) { s.addresses.clear(); }), HasSubstr("no address"));
  EXPECT_THAT(message([](Settings& s) {
                s.addresses = {{"203.0.113.7"}, {"203.0.113.8"}};
              }),
              HasSubstr("more than one address of a family"));
  EXPECT_THAT(message([](Settings& s) { s.transports = {api::Transport::tls}; }), HasSubstr("need a certificate"));
  EXPECT_THAT(message([](Settings& s) {
                s.transports = {api::Transport::dtls};
                s.tls = {"/state/tls.crt", "/state/tls.key"};
                s.ports.turns = 50000;
              }),
              HasSubstr("ports.turns 50000 is inside the range"));
  EXPECT_THAT(message([](Settings& s) { s.database = "/state dir/turndb"; }), HasSubstr("database"));
  EXPECT_THAT(message([](Settings& s) { s.ports.relay_min = 3000; }), HasSubstr("inside the range"));
  EXPECT_THAT(message([](Settings& s) { s.ports.relay_max = 1; }), HasSubstr("relayMax"));
  EXPECT_THAT(message([](Settings& s) { s.peers.deny = {"10.0.0.0/8", "nonsense"}; }), HasSubstr("nonsense"));
  EXPECT_THAT(message([](Settings& s) { s.transports.clear(); }), HasSubstr("transports"));
}

}  // namespace
}  // namespace turnkeeper::coturn
