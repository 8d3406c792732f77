// A relay, or the network before it, that is broken in one way at a time: each gets the name that says what to do.
#include <sched.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "monitor/probe/look_up.hpp"
#include "prober.hpp"
#include "udp_peer.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using api::Cause;
using boost::asio::ip::tcp;
using turn::Protocol;

class CauseTest : public ProbeTest {
 protected:
  CauseTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "turnkeeper-causes-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    authority_.emplace(directory_);
  }
  ~CauseTest() override { std::filesystem::remove_all(directory_); }

  static ProbeTarget over(const LiveRelay& relay, Protocol protocol) {
    auto target = ProbeTest::target(relay);
    target.endpoint = relay.endpoint(protocol);
    target.server_name = "turn.example.org";
    return target;
  }
  ProbeTarget trusting(const LiveRelay& relay, Protocol protocol) {
    auto target = over(relay, protocol);
    target.tls = *turn::make_tls_context({.ca_file = authority_->file()});
    return target;
  }
  static turn::Credential signed_with(const char* secret, std::chrono::seconds ttl = 1h) {
    return turn::time_limited_credential(Secret(secret), "test", real_clock().system() + ttl);
  }
  static std::vector<Phase> phases_of(const ProbeResult& result) {
    std::vector<Phase> phases;
    for (const auto& [phase, time] : result.phases) phases.push_back(phase);
    return phases;
  }

  std::string directory_;
  std::optional<testbed::Authority> authority_;
};

TEST_F(CauseTest, EveryTransportOfAGoodRelayIsProven) {
  LiveRelay relay({.program = LiveRelay::newest, .tls = authority_->issue({.names = {"turn.example.org"}})});
  const auto tls = *turn::make_tls_context({.ca_file = authority_->file()});
  for (const auto protocol : {Protocol::udp, Protocol::tcp, Protocol::tls, Protocol::dtls}) {
    auto target = over(relay, protocol);
    target.tls = tls;
    const auto result = probe(target);
    EXPECT_TRUE(result.ok) << protocol_name(protocol) << ": " << result.detail;
    EXPECT_EQ(result.endpoint, relay.endpoint(protocol));
    EXPECT_TRUE(result.mapped_address) << protocol_name(protocol);
    EXPECT_EQ(result.certificate.has_value(), protocol == Protocol::tls || protocol == Protocol::dtls);
    EXPECT_EQ(result.phases.size(), result.certificate ? 6U : 5U) << protocol_name(protocol);
    if (!result.certificate) continue;
    const auto left = result.certificate->not_after - result.finished;
    EXPECT_GT(left, 22h);
    EXPECT_LT(left, 25h);
  }
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

// Sessions are resumed, which shows no certificate: one that was replaced must end that.
TEST_F(CauseTest, ARenewedCertificateIsSeenInTheNextHandshake) {
  for (const char* program : {"turnserver", LiveRelay::newest}) {
    const auto files = authority_->issue({.names = {"turn.example.org"}});
    LiveRelay relay({.program = program, .tls = files});
    for (const auto protocol : {Protocol::tls, Protocol::dtls}) {
      const auto target = trusting(relay, protocol);
      const auto before = probe(target);
      ASSERT_TRUE(before.ok) << before.detail;
      const auto renewed = authority_->issue({.names = {"turn.example.org"}});
      std::filesystem::rename(renewed.certificate, files.certificate);
      std::filesystem::rename(renewed.key, files.key);
      relay.signal(SIGUSR2);
      const Deadline deadline = Deadline::after(real_clock(), 5s);
      auto after = probe(target);
      while (after.certificate->serial == before.certificate->serial && !deadline.expired(real_clock())) {
        after = probe(target);
        ASSERT_TRUE(after.ok) << after.detail;
      }
      EXPECT_NE(after.certificate->serial, before.certificate->serial) << program << " " << protocol_name(protocol);
    }
  }
}

TEST_F(CauseTest, ANameThatDoesNotResolveIsDns) {
  const auto uri = *turn::Uri::parse("turn:" + std::string(70, 'x') + ".invalid:3478");  // longer than DNS allows
  std::optional<LookUp> found;
  boost::asio::co_spawn(io,
                        look_up(std::make_shared<turn::Resolver>(io.get_executor()), uri,
                                Deadline::after(real_clock(), 5s), real_clock()),
                        [&](const std::exception_ptr&, LookUp done) { found = std::move(done); });
  while (!found && io.run_one() > 0) {
  }
  ASSERT_TRUE(found && !found->endpoints);
  const auto result = unresolved(uri, *found, real_clock().system());
  expect_failure(result, Cause::dns);
  EXPECT_EQ(phases_of(result), std::vector{Phase::resolve});
}

TEST_F(CauseTest, AClosedTcpPortIsRefused) {
  ProbeTarget nobody = target(free_udp_port());
  nobody.endpoint.protocol = Protocol::tcp;
  const auto result = probe(nobody);
  expect_failure(result, Cause::connect_refused);
  EXPECT_EQ(phases_of(result), std::vector{Phase::connect});
}

TEST_F(CauseTest, WithoutARouteItIsUnreachable) {
  for (const auto protocol : {Protocol::udp, Protocol::tcp}) {
    ProbeResult result;
    std::thread([&] {
      ASSERT_EQ(unshare(CLONE_NEWNET), 0) << "needs root";  // this thread only
      ProbeTarget far = target(3478);
      far.endpoint = {protocol, *turn::SocketAddress::parse("192.0.2.1:3478")};
      result = probe(far, 2s);
    }).join();
    expect_failure(result, Cause::unreachable);
  }
}

TEST_F(CauseTest, AConnectionThatIsNeverAnsweredIsATimeout) {
  tcp::acceptor listener(io, {boost::asio::ip::address_v4::loopback(), 0});  // the kernel accepts, nobody answers
  ProbeTarget silent = target(listener.local_endpoint().port());
  silent.endpoint.protocol = Protocol::tcp;
  expect_failure(probe(silent, 1s), Cause::connect_timeout);
}

TEST_F(CauseTest, AServerThatSpeaksNoTlsIsAHandshakeFailure) {
  tcp::acceptor listener(io, {boost::asio::ip::address_v4::loopback(), 0});
  std::array<char, 2048> hello;
  tcp::socket peer(io);
  listener.async_accept(peer, [&](auto) {
    peer.async_read_some(boost::asio::buffer(hello), [&](auto, std::size_t) {
      boost::asio::write(peer, boost::asio::buffer(std::string("HTTP/1.1 400 Bad Request\r\n\r\n")));
    });
  });
  ProbeTarget web = target(listener.local_endpoint().port());
  web.endpoint.protocol = Protocol::tls;
  web.tls = *turn::make_tls_context({.ca_file = authority_->file()});
  const auto result = probe(web, 3s);
  expect_failure(result, Cause::tls_handshake);
  EXPECT_EQ(phases_of(result), (std::vector{Phase::connect, Phase::tls}));
}

TEST_F(CauseTest, AnExpiredCertificateIsSaid) {
  LiveRelay relay({.tls = authority_->issue({.names = {"turn.example.org"}, .valid_from = -48h, .valid_to = -24h})});
  const auto result = probe(trusting(relay, Protocol::tls));
  expect_failure(result, Cause::cert_expired);
  ASSERT_TRUE(result.certificate);
  EXPECT_LT(result.certificate->not_after, result.finished);
}

TEST_F(CauseTest, ACertificateOfOtherNamesIsSaid) {
  LiveRelay relay({.tls = authority_->issue({.names = {"other.example.org"}})});
  expect_failure(probe(trusting(relay, Protocol::tls)), Cause::cert_name);
  expect_failure(probe(trusting(relay, Protocol::dtls)), Cause::cert_name);
}

TEST_F(CauseTest, ACertificateOfUnknownOriginIsSaid) {
  LiveRelay relay({.tls = authority_->issue({.names = {"turn.example.org"}, .self_signed = true})});
  expect_failure(probe(trusting(relay, Protocol::tls)), Cause::cert_untrusted);
}

TEST_F(CauseTest, ARelayWithAnotherKeyOfTheClusterIsToldFromOneWithNone) {
  LiveRelay relay;  // knows "north" alone
  auto wrong = target(relay);
  wrong.credential = signed_with("south");
  wrong.auth.lasting = signed_with("south", 24h * 365);
  wrong.auth.other_keys = {{"k7", signed_with("north")}};
  wrong.auth.worked_here = true;
  const auto result = probe(wrong);
  expect_failure(result, Cause::auth_secret);
  EXPECT_NE(result.detail.find("k7"), std::string::npos) << result.detail;
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(CauseTest, ClocksThatDifferAreToldFromAWrongKey) {
  LiveRelay relay;
  // What a monitor issues whose clock is two hours behind the relay's.
  auto late = target(relay);
  late.credential = signed_with("north", -1h);
  late.auth.lasting = signed_with("north", 24h * 365);
  late.auth.our_lag = 2h;
  auto result = probe(late);
  expect_failure(result, Cause::auth_clock);
  EXPECT_NE(result.detail.find("this monitor's clock is 7200 s behind"), std::string::npos) << result.detail;
  late.auth.our_lag = 0s;
  result = probe(late);
  expect_failure(result, Cause::auth_clock);
  EXPECT_NE(result.detail.find("the relay's clock is ahead"), std::string::npos) << result.detail;
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(CauseTest, ADatabaseThatIsBrokenIsToldFromAWrongKey) {
  LiveRelay relay({.secret_in_database = true});
  auto known = target(relay);
  known.auth.lasting = signed_with("north", 24h * 365);
  known.auth.other_keys = {{"k0", signed_with("old")}};
  auto result = probe(known);
  ASSERT_TRUE(result.ok) << result.detail;
  // As a full disk or a careless copy leaves it: the same file with something else in it.
  for (const char* file : {"", "-wal", "-shm"}) std::ofstream(relay.database() + file) << std::string(8192, 'x');
  known.auth.worked_here = true;
  expect_failure(probe(known), Cause::auth_database);
  // The same for a monitor that has just started, whose other relays accept the key.
  known.auth.worked_here = false;
  known.auth.works_elsewhere = true;
  expect_failure(probe(known), Cause::auth_database);
}

// A balancer that sends one client's datagrams to two relays by turns.
class Spreader {
 public:
  Spreader(boost::asio::io_context& io, std::array<std::uint16_t, 2> relays)
      : near_(io, {boost::asio::ip::address_v4::loopback(), 0}), far_{udp::socket(io), udp::socket(io)} {
    for (std::size_t i = 0; i < 2; ++i) {
      far_[i].connect({boost::asio::ip::address_v4::loopback(), relays[i]});
      receive_back(i);
    }
    receive();
  }
  [[nodiscard]] std::uint16_t port() const { return near_.local_endpoint().port(); }

 private:
  using udp = boost::asio::ip::udp;
  void receive() {
    near_.async_receive_from(boost::asio::buffer(buffer_), client_, [this](auto error, std::size_t size) {
      if (error) return;
      far_[turn_++ % 2].send(boost::asio::buffer(buffer_.data(), size));
      receive();
    });
  }
  void receive_back(std::size_t i) {
    far_[i].async_receive(boost::asio::buffer(back_[i]), [this, i](auto error, std::size_t size) {
      if (error) return;
      near_.send_to(boost::asio::buffer(back_[i].data(), size), client_);
      receive_back(i);
    });
  }
  udp::socket near_;
  std::array<udp::socket, 2> far_;
  udp::endpoint client_;
  std::array<std::uint8_t, 2048> buffer_{};
  std::array<std::array<std::uint8_t, 2048>, 2> back_{};
  std::size_t turn_ = 0;
};

TEST_F(CauseTest, ABalancerThatSpreadsOneClientIsAStaleNonceLoop) {
  LiveRelay one, other;
  Spreader balancer(io, {one.port(), other.port()});
  expect_failure(probe(target(balancer.port()), 3s), Cause::stale_nonce_loop);
}

TEST_F(CauseTest, ARelayWithoutIpv6SaysSo) {
  LiveRelay relay;
  auto wants_ipv6 = target(relay);
  wants_ipv6.address_family = turn::SocketAddress::Family::ipv6;
  expect_failure(probe(wants_ipv6), Cause::family_unsupported);
}

TEST_F(CauseTest, ARelayThatRelaysNoUdpSaysSo) {
  for (const char* program : {"turnserver", LiveRelay::newest}) {
    LiveRelay relay({.program = program, .extra_config = "no-udp-relay"});
    expect_failure(probe(target(relay)), Cause::transport_unsupported);
  }
}

TEST_F(CauseTest, ARedirectToAGoodRelayWorksAndIsReported) {
  LiveRelay there;
  LiveRelay here({.extra_config = "alternate-server=127.0.0.1:" + std::to_string(there.port())});
  const auto result = probe(target(here));
  EXPECT_TRUE(result.ok) << result.detail;
  EXPECT_EQ(result.cause, Cause::redirected);
  EXPECT_EQ(result.redirected_to, there.endpoint().address);
  EXPECT_EQ(result.endpoint, here.endpoint());
  EXPECT_EQ(there.wait_for_allocations(0), 0);
}

TEST_F(CauseTest, RelaysThatRedirectToEachOtherEndTheProbe) {
  const auto port = free_udp_port();
  LiveRelay last({.extra_config = "alternate-server=127.0.0.1:" + std::to_string(port)});
  LiveRelay middle({.extra_config = "alternate-server=127.0.0.1:" + std::to_string(last.port())});
  LiveRelay first({.extra_config = "alternate-server=127.0.0.1:" + std::to_string(middle.port())});
  const auto result = probe(target(first));
  expect_failure(result, Cause::redirected);
  EXPECT_EQ(result.redirected_to, last.endpoint().address) << "two steps and no further";
}

TEST_F(CauseTest, AnotherPublicAddressThanTheAdvertisedOneIsUnusable) {
  LiveRelay relay({.extra_config = "external-ip=203.0.113.7/127.0.0.1"});
  auto advertised = target(relay);
  advertised.public_addresses = {"2001:db8::7", "203.0.113.7"};
  auto result = probe(advertised);
  EXPECT_TRUE(result.ok) << result.detail;
  advertised.public_addresses = {"203.0.113.8"};
  result = probe(advertised);
  expect_failure(result, Cause::wrong_public_address);
  EXPECT_NE(result.detail.find("203.0.113.7"), std::string::npos) << result.detail;
  advertised.public_addresses = {"2001:db8::7"};
  EXPECT_TRUE(probe(advertised).ok) << "nothing is known of this family";
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

// A path to a relay on which some requests get another's answer.
class AnsweringPath {
 public:
  // Of what the client on that port sends: the answer instead of the relay's, if there is to be one.
  std::function<std::optional<Datagram>(std::uint16_t client, turn::Bytes)> on_up;
  std::function<void(std::uint16_t client, turn::Bytes)> on_down;

  AnsweringPath(boost::asio::io_context& io, std::uint16_t relay_port)
      : io_(io),
        relay_(boost::asio::ip::address_v4::loopback(), relay_port),
        near_(io, {boost::asio::ip::address_v4::loopback(), 0}) {
    receive();
  }
  [[nodiscard]] std::uint16_t port() const { return near_.local_endpoint().port(); }

 private:
  using udp = boost::asio::ip::udp;
  struct Flow {
    udp::endpoint client;
    udp::socket far;
    std::array<std::uint8_t, 2048> buffer{};
  };
  void receive() {
    near_.async_receive_from(boost::asio::buffer(buffer_), from_, [this](auto error, std::size_t size) {
      if (error) return;
      auto& flow = flows_[from_];
      if (!flow) {
        flow = std::make_unique<Flow>(Flow{from_, udp::socket(io_)});
        flow->far.connect(relay_);
        receive_back(*flow);
      }
      if (const auto answer = on_up(from_.port(), turn::Bytes(buffer_).first(size))) {
        near_.send_to(boost::asio::buffer(*answer), from_);
      } else {
        flow->far.send(boost::asio::buffer(buffer_.data(), size));
      }
      receive();
    });
  }
  void receive_back(Flow& flow) {
    flow.far.async_receive(boost::asio::buffer(flow.buffer), [this, &flow](auto error, std::size_t size) {
      if (error) return;
      on_down(flow.client.port(), turn::Bytes(flow.buffer).first(size));
      near_.send_to(boost::asio::buffer(flow.buffer.data(), size), flow.client);
      receive_back(flow);
    });
  }
  boost::asio::io_context& io_;
  udp::endpoint relay_;
  udp::socket near_;
  udp::endpoint from_;
  std::array<std::uint8_t, 2048> buffer_{};
  std::map<udp::endpoint, std::unique_ptr<Flow>> flows_;
};

// A relay of another make: it refuses to relay from an allocation to that same allocation.
TEST_F(CauseTest, WhereTheOwnAddressIsRefusedTwoAllocationsTalkToEachOther) {
  LiveRelay relay;
  const auto credential = relay.credential();
  const auto key = turn::long_term_key(credential.username, "example.org", credential.password);
  std::map<std::uint16_t, turn::SocketAddress> relayed;  // by the client's port
  bool denies_all = false;
  AnsweringPath path(io, relay.port());
  path.on_up = [&](std::uint16_t client, turn::Bytes datagram) -> std::optional<Datagram> {
    const auto message = turn::Message::decode(datagram);
    if (!message || message->method() != turn::Method::channel_bind) return std::nullopt;
    if (!denies_all && message->address(turn::AttributeType::xor_peer_address) != relayed[client]) return std::nullopt;
    return turn::MessageBuilder(turn::Method::channel_bind, turn::MessageClass::error, message->transaction_id())
        .error_code(403, "Forbidden")
        .integrity(key.reveal())
        .finish();
  };
  path.on_down = [&](std::uint16_t client, turn::Bytes datagram) {
    const auto message = turn::Message::decode(datagram);
    if (!message || message->method() != turn::Method::allocate) return;
    if (const auto address = message->address(turn::AttributeType::xor_relayed_address)) relayed[client] = *address;
  };
  auto behind = target(path.port());
  behind.credential = credential;
  auto result = probe(behind);
  EXPECT_TRUE(result.ok) << result.detail;
  EXPECT_TRUE(result.by_pair);
  EXPECT_EQ(relayed.size(), 2U);
  EXPECT_EQ(relay.wait_for_allocations(0), 0) << "both are released";

  denies_all = true;
  result = probe(behind);
  expect_failure(result, Cause::peer_denied);
  EXPECT_EQ(relay.wait_for_allocations(0), 0);
}

TEST_F(CauseTest, TheLargestPacketThatPassesIsFound) {
  std::thread([&] {
    ASSERT_EQ(unshare(CLONE_NEWNET), 0) << "needs root";  // this thread and what it starts
    ASSERT_EQ(std::system("ip link set lo mtu 1311 up"), 0);
    LiveRelay relay;
    ProbeOptions options{.deadline = Deadline::after(real_clock(), 15s), .rto = 100ms, .mtu = true};
    const auto result = probe_with(target(relay), options);
    EXPECT_TRUE(result.ok) << result.detail;
    EXPECT_EQ(result.mtu, PathMtu{1311});
  }).join();
}

TEST_F(CauseTest, LossThatBandwidthLimitsMakeIsMeasured) {
  LiveRelay relay({.program = LiveRelay::newest});
  ProbeOptions options{.deadline = Deadline::after(real_clock(), 10s), .throughput = ThroughputPlan{.packets = 300}};
  auto result = probe_with(target(relay), options);
  ASSERT_TRUE(result.ok && result.throughput) << result.detail;
  EXPECT_EQ(result.throughput->sent, 300);
  EXPECT_EQ(result.throughput->received, 300);
  EXPECT_GT(result.throughput->bits_per_second(), 1e6);

  LiveRelay slow({.program = LiveRelay::newest, .extra_config = "max-bps=30000"});
  options.deadline = Deadline::after(real_clock(), 10s);
  result = probe_with(target(slow), options);
  ASSERT_TRUE(result.throughput) << result.detail;
  EXPECT_GT(result.throughput->loss(), 0.3);
}

}  // namespace
}  // namespace turnkeeper::monitor
