// Servers that are none, or not good ones: each way to fail has its name, and costs no more than the deadline.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <list>

#include "secure_relay.hpp"
#include "turnkeeper/turn/channel_data.hpp"
#include "waiting_client.hpp"

namespace turnkeeper::turn::test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;
using Kind = ConnectFailure::Kind;

SocketAddress loopback(std::uint16_t port) {
  return *SocketAddress::from_ip("127.0.0.1", port);
}

class Connect : public testing::Test {
 protected:
  ConnectFailure failure_of(const Endpoint& endpoint, std::chrono::milliseconds budget = 5s) {
    const auto began = real_clock().steady();
    auto outcome = connect_and_wait(
        io_, endpoint,
        {.tls = tls_, .server_name = "turn.example.org", .deadline = Deadline::after(real_clock(), budget)});
    EXPECT_LT(real_clock().steady() - began, budget + 2s);
    if (!outcome) return {.detail = "no outcome"};
    EXPECT_FALSE(*outcome);
    return *outcome ? ConnectFailure{.detail = "connected"} : outcome->error();
  }

  // Accepts one connection after the other and hands each to `serve`.
  std::uint16_t listen(std::function<void(tcp::socket&)> serve) {
    acceptor_.emplace(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    accept(std::move(serve));
    return acceptor_->local_endpoint().port();
  }
  void accept(std::function<void(tcp::socket&)> serve) {
    acceptor_->async_accept([this, serve = std::move(serve)](const error_code& error, tcp::socket socket) {
      if (error) return;
      accepted_.push_back(std::move(socket));
      serve(accepted_.back());
      accept(serve);
    });
  }

  std::unique_ptr<Transport> connected_to(std::uint16_t port) {
    auto outcome = connect_and_wait(io_, {Protocol::tcp, loopback(port)}, {});
    if (!outcome || !*outcome) return nullptr;
    return std::move((*outcome)->transport);
  }

  asio::io_context io_;
  std::optional<tcp::acceptor> acceptor_;
  std::list<tcp::socket> accepted_;
  std::shared_ptr<TlsContext> tls_ = make_tls_context({.verify = false}).value();
};

TEST_F(Connect, ClosedPortIsRefused) {
  const auto port = free_port();
  for (const auto protocol : {Protocol::tcp, Protocol::tls, Protocol::dtls}) {
    const auto failure = failure_of({protocol, loopback(port)});
    EXPECT_EQ(kind_name(failure.kind), "refused") << protocol_name(protocol) << ": " << failure.detail;
    EXPECT_FALSE(failure.in_tls);
  }
}

TEST_F(Connect, NoRouteIsUnreachable) {
  for (const auto protocol : {Protocol::tcp, Protocol::tls}) {
    const auto failure = failure_of({protocol, *SocketAddress::parse("255.255.255.255:9")});
    EXPECT_EQ(kind_name(failure.kind), "unreachable") << failure.detail;
  }
  for (const auto protocol : {Protocol::udp, Protocol::dtls}) {
    const auto failure = failure_of({protocol, *SocketAddress::parse("255.255.255.255:9")});
    EXPECT_EQ(kind_name(failure.kind), "unreachable") << failure.detail;
  }
}

TEST_F(Connect, ServerThatTakesNoConnectionsTimesOut) {
  // Linux drops the SYNs of those that a full queue has no place for.
  const tcp::endpoint own(asio::ip::address_v4::loopback(), 0);
  tcp::acceptor full(io_, own.protocol());
  full.bind(own);
  full.listen(1);
  std::list<tcp::socket> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.emplace_back(io_).async_connect(full.local_endpoint(), [](const error_code&) {});
  }
  io_.run_for(50ms);
  const auto failure = failure_of({Protocol::tls, loopback(full.local_endpoint().port())}, 300ms);
  EXPECT_EQ(kind_name(failure.kind), "timeout");
  EXPECT_FALSE(failure.in_tls);
  EXPECT_GE(failure.connect_time, 290ms);
}

TEST_F(Connect, SilentTlsServerTimesOutInTls) {
  const auto port = listen([](tcp::socket&) {});
  const auto failure = failure_of({Protocol::tls, loopback(port)}, 300ms);
  EXPECT_EQ(kind_name(failure.kind), "timeout");
  EXPECT_TRUE(failure.in_tls);
  EXPECT_GT(failure.tls_time, 0ms);
  EXPECT_GE(failure.connect_time + failure.tls_time, 290ms);
}

TEST_F(Connect, SilentDtlsServerWasNotReached) {
  const udp::socket silent(io_, {asio::ip::address_v4::loopback(), 0});
  const auto failure = failure_of({Protocol::dtls, loopback(silent.local_endpoint().port())}, 300ms);
  EXPECT_EQ(kind_name(failure.kind), "timeout");
  EXPECT_FALSE(failure.in_tls);
}

TEST_F(Connect, ServerThatHangsUpIsClosed) {
  const auto port = listen([](tcp::socket& socket) { socket.close(); });
  const auto failure = failure_of({Protocol::tls, loopback(port)});
  EXPECT_EQ(kind_name(failure.kind), "closed") << failure.detail;
  EXPECT_TRUE(failure.in_tls);
}

TEST_F(Connect, PlainTcpServerOnTheTlsPortIsNoTls) {
  const auto port =
      listen([](tcp::socket& socket) { asio::write(socket, asio::buffer("HTTP/1.1 400 Bad Request\r\n")); });
  const auto failure = failure_of({Protocol::tls, loopback(port)});
  EXPECT_EQ(kind_name(failure.kind), "tls_handshake");
  EXPECT_THAT(failure.detail, testing::HasSubstr("not a TLS server?"));
}

TEST_F(Connect, PlainUdpServerOnTheDtlsPortTimesOutInTls) {
  udp::socket server(io_, {asio::ip::address_v4::loopback(), 0});
  std::array<char, 2048> buffer;
  udp::endpoint from;
  std::function<void()> answer = [&] {
    server.async_receive_from(asio::buffer(buffer), from, [&](const error_code& error, std::size_t) {
      if (error) return;
      server.send_to(asio::buffer("what?"), from);
      answer();
    });
  };
  answer();
  const auto failure = failure_of({Protocol::dtls, loopback(server.local_endpoint().port())}, 300ms);
  EXPECT_EQ(kind_name(failure.kind), "timeout");
  EXPECT_TRUE(failure.in_tls);
}

TEST_F(Connect, ProcessWithoutDescriptorsSaysSo) {
  const asio::steady_timer running(io_);  // has Asio open what it needs itself
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int next = dup(0);
  close(next);
  const rlimit exhausted{static_cast<rlim_t>(next), before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &exhausted);
  std::vector<std::string> kinds;
  for (const auto protocol : {Protocol::udp, Protocol::tcp, Protocol::tls, Protocol::dtls}) {
    kinds.emplace_back(kind_name(failure_of({protocol, loopback(9)}).kind));
  }
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_THAT(kinds, testing::Each("no_socket"));
}

TEST_F(Connect, CancelledAttemptSaysNothingAndLeavesNothing) {
  const auto port = listen([](tcp::socket&) {});
  for (const auto protocol : {Protocol::udp, Protocol::tcp, Protocol::tls, Protocol::dtls}) {
    for (const auto patience : {0ms, 20ms}) {
      bool called = false;
      auto attempt = connect(io_.get_executor(), {protocol, loopback(port)},
                             {.tls = tls_, .deadline = Deadline::after(real_clock(), 1min)},
                             [&](const Outcome& outcome) { called = outcome.has_value() || called; });
      if (patience > 0ms) io_.run_for(patience);
      const bool before = called;
      attempt.cancel();
      io_.restart();
      acceptor_->cancel();
      io_.run_for(5s);
      EXPECT_TRUE(io_.stopped()) << "something still waits";
      EXPECT_EQ(called, before);
      io_.restart();
      accept([](tcp::socket&) {});
    }
  }
}

// Between a client and a server, losing datagrams of both.
class LossyPath {
 public:
  LossyPath(asio::io_context& io, const SocketAddress& server, std::function<bool(int)> lost)
      : lost_(std::move(lost)),
        outside_(io, {asio::ip::address_v4::loopback(), 0}),
        inside_(io, {asio::ip::address_v4::loopback(), 0}),
        server_(asio::ip::make_address(server.ip_string()), server.port()) {
    forward(outside_, inside_, true);
    forward(inside_, outside_, false);
  }
  [[nodiscard]] std::uint16_t port() const { return outside_.local_endpoint().port(); }
  [[nodiscard]] int lost() const { return count_lost_; }

 private:
  void forward(udp::socket& from, udp::socket& to, bool outward) {
    auto& buffer = buffers_[outward ? 0 : 1];
    from.async_receive_from(asio::buffer(buffer), from_[outward ? 0 : 1],
                            [this, &from, &to, &buffer, outward](const error_code& error, std::size_t size) {
                              if (error) return;
                              if (outward) client_ = from_[0];
                              if (lost_(count_++)) {
                                ++count_lost_;
                              } else {
                                to.send_to(asio::buffer(buffer, size), outward ? server_ : client_);
                              }
                              forward(from, to, outward);
                            });
  }

  std::function<bool(int)> lost_;
  udp::socket outside_;
  udp::socket inside_;
  udp::endpoint server_;
  udp::endpoint client_;
  std::array<udp::endpoint, 2> from_;
  std::array<std::array<char, 2048>, 2> buffers_;
  int count_ = 0;
  int count_lost_ = 0;
};

TEST_F(Connect, DtlsHandshakeSurvivesLoss) {
  const TemporaryDirectory directory;
  testbed::Authority authority(directory.path());
  const SecureRelay relay("4.6.1", authority.issue({.names = {"turn.example.org"}}));
  tls_ = make_tls_context({.ca_file = authority.file()}).value();
  // The first datagram of each side, and more later.
  LossyPath path(io_, relay.endpoint(Protocol::dtls, SocketAddress::Family::ipv4).address,
                 [](int number) { return number == 0 || number == 2 || number == 5; });
  auto outcome =
      connect_and_wait(io_, {Protocol::dtls, loopback(path.port())}, {.tls = tls_, .server_name = "turn.example.org"});
  ASSERT_TRUE(outcome && *outcome) << (*outcome).error().detail;
  EXPECT_EQ(path.lost(), 3);
  WaitingClient client(io_, std::move((*outcome)->transport), relay.credential());
  const auto event = client.allocate();
  EXPECT_TRUE(event && std::holds_alternative<Allocated>(*event));
}

struct Received {
  std::vector<std::string> messages;
  std::optional<PathFailure> failure;
  void start(Transport& transport) {
    transport.start({.on_message = [this](Bytes bytes) { messages.emplace_back(bytes.begin(), bytes.end()); },
                     .on_unreachable = [this](const PathFailure& said) { failure = said; }});
  }
};

TEST_F(Connect, MessagesAreWholeHoweverSlowlyTheyCome) {
  const auto response = MessageBuilder(Method::binding, MessageClass::success, random_transaction_id()).finish();
  std::string stream(response.begin(), response.end());
  stream += std::string("\x40\x01\x00\x05hello\0\0\0", 12);
  asio::steady_timer timer(io_);
  std::function<void(tcp::socket&, std::size_t)> drip = [&](tcp::socket& socket, std::size_t at) {
    if (at == stream.size()) return;
    asio::write(socket, asio::buffer(stream.data() + at, 1));
    timer.expires_after(1ms);
    timer.async_wait([&, at](const error_code& error) {
      if (!error) drip(socket, at + 1);
    });
  };
  const auto port = listen([&](tcp::socket& socket) {
    socket.set_option(tcp::no_delay(true));
    drip(socket, 0);
  });
  const auto transport = connected_to(port);
  ASSERT_TRUE(transport);
  Received received;
  received.start(*transport);
  ASSERT_TRUE(run_until(io_, [&] { return received.messages.size() == 2; }));
  EXPECT_EQ(received.messages[0], std::string(response.begin(), response.end()));
  EXPECT_EQ(received.messages[1], std::string("\x40\x01\x00\x05hello", 9));
}

TEST_F(Connect, StreamOfSomethingElseEnds) {
  const auto port =
      listen([](tcp::socket& socket) { asio::write(socket, asio::buffer("220 mail.example.org ESMTP\r\n")); });
  const auto transport = connected_to(port);
  ASSERT_TRUE(transport);
  Received received;
  received.start(*transport);
  ASSERT_TRUE(run_until(io_, [&] { return received.failure.has_value(); }));
  EXPECT_EQ(received.failure->kind, PathFailure::Kind::closed);
  EXPECT_THAT(received.failure->reason, testing::HasSubstr("something else than TURN"));
  transport->send(MessageBuilder(Method::binding, MessageClass::request, random_transaction_id()).finish());
}

TEST_F(Connect, ServerThatDoesNotReadCostsALimitedBacklog) {
  const auto port =
      listen([](tcp::socket& socket) { socket.set_option(asio::socket_base::receive_buffer_size(4096)); });
  const auto transport = connected_to(port);
  ASSERT_TRUE(transport);
  Received received;
  received.start(*transport);
  // Media is dropped, as a network would, and the connection stays.
  std::array<std::uint8_t, 1204> frame{};
  const std::array<std::uint8_t, 1200> payload{};
  for (int i = 0; i < 20'000; ++i) transport->send(encode_channel_data(frame, first_channel, payload));
  io_.restart();
  io_.run_for(20ms);
  EXPECT_FALSE(received.failure);
  // Requests may not get lost on a stream: it ends.
  const auto request = MessageBuilder(Method::binding, MessageClass::request, random_transaction_id())
                           .text(AttributeType::software, std::string(700, 'x'))
                           .finish();
  int sent = 0;
  while (!received.failure && sent < 20'000) {
    transport->send(request);
    if (++sent % 100 == 0) io_.poll();
  }
  ASSERT_TRUE(received.failure);
  EXPECT_EQ(received.failure->reason, "the server does not take what it is sent");
  EXPECT_LT(sent * request.size(), 1'000'000u);
}

TEST_F(Connect, LostConnectionIsToldOnce) {
  const auto port = listen([](tcp::socket&) {});
  auto transport = connected_to(port);
  ASSERT_TRUE(transport);
  int told = 0;
  transport->start({.on_message = [](Bytes) {},
                    .on_unreachable =
                        [&](const PathFailure& failure) {
                          ++told;
                          EXPECT_EQ(failure.kind, PathFailure::Kind::closed);
                          EXPECT_EQ(failure.reason, "the server closed the connection");
                          transport.reset();
                        }});
  ASSERT_TRUE(run_until(io_, [&] { return !accepted_.empty(); }));
  accepted_.clear();
  EXPECT_TRUE(run_until(io_, [&] { return told > 0; }));
  io_.restart();
  io_.run_for(20ms);
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace turnkeeper::turn::test
