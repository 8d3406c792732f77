// Where a URI's servers are, as DNS tells a client of RFC 5928.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "name_server.hpp"
#include "turnkeeper/turn/resolve.hpp"

namespace turnkeeper::turn::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::UnorderedElementsAre;
using Answer = Result<std::vector<Endpoint>>;

class Resolve : public testing::Test {
 protected:
  Answer ask(const std::string& uri, std::chrono::milliseconds budget = 5s) {
    std::optional<Answer> answer;
    resolver_.resolve(*Uri::parse(uri), Deadline::after(real_clock(), budget),
                      [&](Answer found) { answer = std::move(found); });
    EXPECT_FALSE(answer) << "called from within the call";
    const auto give_up = Deadline::after(real_clock(), 10s);
    while (!answer && !give_up.expired(real_clock())) {
      io_.restart();
      io_.run_one_for(50ms);
    }
    return answer.value_or(fail("never answered"));
  }
  // One line for each endpoint.
  std::vector<std::string> endpoints(const std::string& uri, std::chrono::milliseconds budget = 5s) {
    const auto answer = ask(uri, budget);
    if (!answer) return {answer.error().message};
    std::vector<std::string> lines;
    for (const auto& endpoint : *answer) lines.push_back(endpoint.to_string());
    return lines;
  }

  boost::asio::io_context io_;
  NameServer server_{io_};
  Resolver resolver_{io_.get_executor(), {.nameservers = {server_.address()}}};
};

TEST_F(Resolve, LiteralAddressAsksNobody) {
  EXPECT_THAT(endpoints("turn:192.0.2.1:3479?transport=tcp"), ElementsAre("tcp 192.0.2.1:3479"));
  EXPECT_THAT(endpoints("turn:[2001:db8::1]"), ElementsAre("udp [2001:db8::1]:3478", "tcp [2001:db8::1]:3478"));
  EXPECT_THAT(endpoints("turns:192.0.2.1"), ElementsAre("tls 192.0.2.1:5349"));
  EXPECT_THAT(endpoints("turns:192.0.2.1?transport=udp"), ElementsAre("dtls 192.0.2.1:5349"));
  EXPECT_THAT(endpoints("stun:192.0.2.1"), ElementsAre("udp 192.0.2.1:3478"));
  EXPECT_THAT(server_.questions(), testing::IsEmpty());
}

TEST_F(Resolve, NameWithPortGivesEachAddressOfBothFamilies) {
  server_.a("turn.example.org", "192.0.2.1");
  server_.a("turn.example.org", "192.0.2.2");
  server_.a("turn.example.org", "192.0.2.2");
  server_.aaaa("turn.example.org", "2001:db8::1");
  EXPECT_THAT(endpoints("turn:turn.example.org:443?transport=udp"),
              UnorderedElementsAre("udp 192.0.2.1:443", "udp 192.0.2.2:443", "udp [2001:db8::1]:443"));
  EXPECT_THAT(server_.questions(), UnorderedElementsAre("A turn.example.org", "AAAA turn.example.org"));
  const auto both = endpoints("turn:turn.example.org:443");
  ASSERT_EQ(both.size(), 6u);
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(both[i].starts_with(i < 3 ? "udp" : "tcp"));
}

TEST_F(Resolve, OneFamilyIsEnough) {
  server_.aaaa("six.example.org", "2001:db8::1");
  EXPECT_THAT(endpoints("turn:six.example.org:1?transport=tcp"), ElementsAre("tcp [2001:db8::1]:1"));
}

TEST_F(Resolve, SrvTellsPortAndOrder) {
  server_.srv("_turns._tcp.example.org", 20, 5350, "b.example.org");
  server_.srv("_turns._tcp.example.org", 10, 443, "a.example.org");
  server_.a("a.example.org", "192.0.2.1");
  server_.a("b.example.org", "192.0.2.2");
  server_.a("example.org", "192.0.2.3");
  EXPECT_THAT(endpoints("turns:example.org?transport=tcp"), ElementsAre("tls 192.0.2.1:443", "tls 192.0.2.2:5350"));
}

TEST_F(Resolve, WithoutServiceRecordsTheNameItselfIsTheServer) {
  server_.a("example.org", "192.0.2.3");
  EXPECT_THAT(endpoints("turn:example.org"), ElementsAre("udp 192.0.2.3:3478", "tcp 192.0.2.3:3478"));
  EXPECT_THAT(server_.questions(), ElementsAre("NAPTR example.org", "SRV _turn._udp.example.org",
                                               "SRV _turn._tcp.example.org", testing::_, testing::_));
}

TEST_F(Resolve, NaptrChainOfRfc5928) {
  // Section 4, its example for a relay with three transports, here asked for without and with TLS.
  server_.naptr("example.net", 100, "", "RELAY:turn.udp", "datagram.example.net");
  server_.naptr("example.net", 200, "", "RELAY:turn.tcp:turn.tls", "stream.example.net");
  server_.naptr("datagram.example.net", 100, "S", "RELAY:turn.udp", "_turn._udp.example.net");
  server_.naptr("stream.example.net", 100, "S", "RELAY:turn.tcp", "_turn._tcp.example.net");
  server_.naptr("stream.example.net", 200, "A", "RELAY:turn.tls", "a.example.net");
  server_.srv("_turn._udp.example.net", 0, 3478, "a.example.net");
  server_.srv("_turn._tcp.example.net", 0, 5000, "a.example.net");
  server_.a("a.example.net", "192.0.2.1");
  EXPECT_THAT(endpoints("turn:example.net"), ElementsAre("udp 192.0.2.1:3478", "tcp 192.0.2.1:5000"));
  EXPECT_THAT(endpoints("turns:example.net"), ElementsAre("tls 192.0.2.1:5349"));
}

TEST_F(Resolve, NaptrLoopEnds) {
  server_.naptr("example.net", 100, "", "RELAY:turn.udp", "example.net");
  EXPECT_THAT(endpoints("turn:example.net"), ElementsAre("example.net has no address"));
  EXPECT_LE(server_.questions().size(), 50u);
}

TEST_F(Resolve, MissingNameIsSaidSo) {
  EXPECT_THAT(endpoints("turn:nobody.example.org:3478"), ElementsAre("there is no name nobody.example.org"));
  server_.srv("empty.example.org", 0, 1, "x");
  EXPECT_THAT(endpoints("turn:empty.example.org:3478"), ElementsAre("empty.example.org has no address"));
}

TEST_F(Resolve, FailingNameServerIsSaidSo) {
  server_.set_mood(NameServer::Mood::fails);
  const auto said = endpoints("turn:turn.example.org:3478");
  ASSERT_EQ(said.size(), 1u);
  EXPECT_THAT(said[0], testing::HasSubstr("turn.example.org"));
  EXPECT_THAT(said[0], testing::AnyOf(testing::HasSubstr("SERVFAIL"), testing::HasSubstr("no name server")));
}

TEST_F(Resolve, SilentNameServerCostsTheDeadlineAndNoMore) {
  server_.set_mood(NameServer::Mood::is_silent);
  const auto began = real_clock().steady();
  EXPECT_THAT(endpoints("turn:turn.example.org:3478", 300ms), ElementsAre("no answer about turn.example.org in time"));
  const auto took = real_clock().steady() - began;
  EXPECT_GE(took, 290ms);
  EXPECT_LT(took, 2s);
}

TEST_F(Resolve, NameServerThatIgnoresServiceRecordsDoesNotKeepTheAddressesAway) {
  server_.set_mood(NameServer::Type::naptr, NameServer::Mood::is_silent);
  server_.set_mood(NameServer::Type::srv, NameServer::Mood::is_silent);
  server_.a("example.org", "192.0.2.3");
  EXPECT_THAT(endpoints("turn:example.org?transport=udp", 1s), ElementsAre("udp 192.0.2.3:3478"));
  EXPECT_THAT(endpoints("turn:example.org", 2s), ElementsAre("udp 192.0.2.3:3478", "tcp 192.0.2.3:3478"));
}

TEST_F(Resolve, LostQuestionIsAskedAgain) {
  server_.a("turn.example.org", "192.0.2.1");
  server_.set_mood(NameServer::Mood::is_silent);
  boost::asio::steady_timer later(io_, 100ms);
  later.async_wait([&](const boost::system::error_code&) { server_.set_mood(NameServer::Mood::answers); });
  EXPECT_THAT(endpoints("turn:turn.example.org:1?transport=udp"), ElementsAre("udp 192.0.2.1:1"));
}

TEST_F(Resolve, NoNameServerAtAllIsAnAnswer) {
  // A closed port: ICMP says so at once.
  boost::asio::ip::udp::socket gone(io_, {boost::asio::ip::address_v4::loopback(), 0});
  const auto port = gone.local_endpoint().port();
  gone.close();
  Resolver resolver(io_.get_executor(), {.nameservers = {*SocketAddress::from_ip("127.0.0.1", port)}});
  std::optional<Answer> answer;
  resolver.resolve(*Uri::parse("turn:turn.example.org:1"), Deadline::after(real_clock(), 5s),
                   [&](Answer found) { answer = std::move(found); });
  io_.run_for(200ms);
  const auto give_up = Deadline::after(real_clock(), 8s);
  while (!answer && !give_up.expired(real_clock())) io_.run_one_for(50ms);
  ASSERT_TRUE(answer);
  EXPECT_FALSE(*answer);
}

TEST_F(Resolve, ManyAtOnceAndAResolverThatGoesAway) {
  server_.a("turn.example.org", "192.0.2.1");
  auto resolver = std::make_unique<Resolver>(io_.get_executor(), Resolver::Options{.nameservers = {server_.address()}});
  int answered = 0;
  for (int i = 0; i < 50; ++i) {
    resolver->resolve(*Uri::parse("turn:turn.example.org:1"), Deadline::after(real_clock(), 5s),
                      [&](const Answer& found) {
                        EXPECT_TRUE(found);
                        if (++answered == 10) resolver.reset();
                      });
  }
  io_.run_for(500ms);
  EXPECT_EQ(answered, 10);
}

// On a thread with a mount namespace of its own, whose /etc has the test's files.
class ResolveWithEtc : public Resolve {
 protected:
  template <class Body>
  void with_etc(const std::string& hosts, const std::string& resolv_conf, Body body) {
    std::string directory = testing::TempDir() + "turnkeeper-XXXXXX";
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
    std::ofstream(directory + "/hosts") << hosts;
    std::ofstream(directory + "/resolv.conf") << resolv_conf;
    std::thread([&] {
      ASSERT_EQ(unshare(CLONE_NEWNS), 0) << "needs root";
      ASSERT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
      for (const char* name : {"hosts", "resolv.conf"}) {
        const std::string file = std::string("/") + name;
        ASSERT_EQ(mount((directory + file).c_str(), ("/etc" + file).c_str(), nullptr, MS_BIND, nullptr), 0);
      }
      body();
    }).join();
    std::filesystem::remove_all(directory);
  }
};

TEST_F(ResolveWithEtc, HostsFileCounts) {
  with_etc("192.0.2.7 relay.internal\n2001:db8::7 relay.internal\n", "nameserver 127.0.0.1\n", [&] {
    EXPECT_THAT(endpoints("turn:relay.internal:3478?transport=udp"),
                UnorderedElementsAre("udp 192.0.2.7:3478", "udp [2001:db8::7]:3478"));
  });
}

TEST_F(ResolveWithEtc, SearchDomainsCount) {
  server_.a("relay.calls.svc.cluster.local", "192.0.2.8");
  with_etc("", "nameserver 127.0.0.1\nsearch calls.svc.cluster.local svc.cluster.local\noptions ndots:5\n",
           [&] { EXPECT_THAT(endpoints("turn:relay:3478?transport=udp"), ElementsAre("udp 192.0.2.8:3478")); });
}

}  // namespace
}  // namespace turnkeeper::turn::test
