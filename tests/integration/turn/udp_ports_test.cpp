#include "turnkeeper/turn/udp_ports.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <cstdlib>
#include <functional>
#include <new>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

// Counted, so that a test can tell what a path costs.
namespace {
std::atomic<int> allocations = 0;
}
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace turnkeeper::turn {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::udp;
using testing::ElementsAre;

std::string text(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}
Bytes bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A server on loopback that remembers who wrote what.
struct Server {
  explicit Server(asio::io_context& io, const asio::ip::address& address = asio::ip::address_v4::loopback())
      : socket(io, {address, 0}) {
    socket.non_blocking(true);
  }
  [[nodiscard]] SocketAddress address() const {
    const auto endpoint = socket.local_endpoint();
    return *SocketAddress::from_ip(endpoint.address().to_string(), endpoint.port());
  }
  // Everything that arrived until now.
  std::vector<std::string> take() {
    std::vector<std::string> all;
    std::array<char, 4096> buffer;
    boost::system::error_code error;
    for (;;) {
      const auto size = socket.receive_from(asio::buffer(buffer), client, 0, error);
      if (error) return all;
      all.emplace_back(buffer.data(), size);
    }
  }
  void answer(std::string_view what) { socket.send_to(asio::buffer(what.data(), what.size()), client); }

  udp::socket socket;
  udp::endpoint client;  // the last one that wrote
};

class UdpPortsTest : public testing::Test {
 protected:
  struct Client {
    std::unique_ptr<Transport> transport;
    std::vector<std::string> messages;
    std::vector<std::string> errors;
  };

  std::unique_ptr<Client> client(UdpPorts& ports, const SocketAddress& server) {
    auto transport = ports.open(server);
    EXPECT_TRUE(transport) << transport.error().text();
    auto made = std::make_unique<Client>();
    made->transport = std::move(*transport);
    made->transport->start(
        {.on_message = [to = made.get()](Bytes message) { to->messages.push_back(text(message)); },
         .on_unreachable = [to = made.get()](const PathFailure& failure) { to->errors.push_back(failure.reason); }});
    return made;
  }
  // Runs the loop until `done`, for at most two seconds.
  bool run_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + 2s;
    while (std::chrono::steady_clock::now() < end) {
      if (done()) return true;
      io_.restart();
      io_.run_one_for(10ms);
    }
    return false;
  }
  // Sends from the client and waits until the server has it.
  void reach(Client& from, Server& server, std::string_view what = "hello") {
    from.transport->send(bytes(what));
    std::vector<std::string> got;
    ASSERT_TRUE(run_until([&] {
      got = server.take();
      return !got.empty();
    }));
    ASSERT_EQ(got.back(), what);
  }

  asio::io_context io_;
  ManualClock clock_;
  UdpPorts ports_{io_.get_executor(), {.clock = &clock_}};
};

TEST_F(UdpPortsTest, ClientsOfManyServersShareOnePortAndEachHearsItsOwnServer) {
  Server a(io_);
  Server b(io_);
  const auto to_a = client(ports_, a.address());
  const auto to_b = client(ports_, b.address());
  EXPECT_EQ(to_a->transport->local().port(), to_b->transport->local().port());
  reach(*to_a, a);
  reach(*to_b, b);

  a.answer("from a");
  b.answer("from b");
  ASSERT_TRUE(run_until([&] { return !to_a->messages.empty() && !to_b->messages.empty(); }));
  EXPECT_THAT(to_a->messages, ElementsAre("from a"));
  EXPECT_THAT(to_b->messages, ElementsAre("from b"));
}

TEST_F(UdpPortsTest, AStrangersDatagramReachesNobody) {
  Server server(io_);
  const auto to_server = client(ports_, server.address());
  reach(*to_server, server);

  Server stranger(io_);
  stranger.client = server.client;
  stranger.answer("I am the relay");
  server.answer("no, I am");
  ASSERT_TRUE(run_until([&] { return !to_server->messages.empty(); }));
  EXPECT_THAT(to_server->messages, ElementsAre("no, I am"));
}

TEST_F(UdpPortsTest, WhatIsSentInOneTurnArrivesCompletelyAndInOrder) {
  Server server(io_);
  const auto to_server = client(ports_, server.address());
  std::vector<std::string> sent;
  for (int i = 0; i < 150; ++i) {
    sent.push_back("datagram " + std::to_string(i));
    to_server->transport->send(bytes(sent.back()));
  }
  std::vector<std::string> got;
  run_until([&] {
    for (auto& one : server.take()) got.push_back(std::move(one));
    return got.size() >= sent.size();
  });
  EXPECT_EQ(got, sent);
}

TEST_F(UdpPortsTest, TwoClientsOfOneServerHaveDifferentPorts) {
  Server server(io_);
  const auto first = client(ports_, server.address());
  const auto second = client(ports_, server.address());
  EXPECT_NE(first->transport->local().port(), second->transport->local().port());
  reach(*first, server);
  EXPECT_EQ(server.client.port(), first->transport->local().port());
  reach(*second, server);
  EXPECT_EQ(server.client.port(), second->transport->local().port());
  server.answer("second's");
  ASSERT_TRUE(run_until([&] { return !second->messages.empty(); }));
  EXPECT_TRUE(first->messages.empty());
}

TEST_F(UdpPortsTest, APortIsNotUsedTowardsTheSameServerBeforeThatHasForgottenIt) {
  Server server(io_);
  Server other(io_);
  const auto port_of = [&](const SocketAddress& address) { return client(ports_, address)->transport->local().port(); };
  const auto first = port_of(server.address());
  EXPECT_EQ(port_of(other.address()), first);
  const auto second = port_of(server.address());
  EXPECT_NE(second, first);
  clock_.advance(74'990ms);
  const auto third = port_of(server.address());
  EXPECT_NE(third, first);
  EXPECT_NE(third, second);
  clock_.advance(10ms);
  EXPECT_EQ(port_of(server.address()), first);
}

TEST_F(UdpPortsTest, ALateAnswerDoesNotReachThePortsNextClientOfAnotherServer) {
  Server old_server(io_);
  Server new_server(io_);
  auto gone = client(ports_, old_server.address());
  reach(*gone, old_server);
  gone.reset();
  const auto next = client(ports_, new_server.address());
  old_server.answer("too late");
  reach(*next, new_server);
  new_server.answer("yours");
  ASSERT_TRUE(run_until([&] { return !next->messages.empty(); }));
  EXPECT_THAT(next->messages, ElementsAre("yours"));
}

TEST_F(UdpPortsTest, AClosedPortIsToldToItsOwnClientWhileOthersOnTheSameSocketGoOn) {
  Server alive(io_);
  auto dead = std::make_unique<Server>(io_);
  const auto dead_address = dead->address();
  dead.reset();
  const auto to_dead = client(ports_, dead_address);
  const auto to_alive = client(ports_, alive.address());
  ASSERT_EQ(to_dead->transport->local().port(), to_alive->transport->local().port());

  std::vector<std::string> got;
  for (int i = 0; i < 50; ++i) {
    to_dead->transport->send(bytes("anybody?"));
    to_alive->transport->send(bytes("hello"));
  }
  ASSERT_TRUE(run_until([&] {
    for (auto& one : alive.take()) got.push_back(std::move(one));
    return got.size() == 50 && !to_dead->errors.empty();
  })) << got.size();
  EXPECT_EQ(to_dead->errors.front(), "Connection refused");
  EXPECT_TRUE(to_alive->errors.empty());
  alive.answer("here");
  EXPECT_TRUE(run_until([&] { return !to_alive->messages.empty(); }));
}

TEST_F(UdpPortsTest, AMachineWithoutARouteIsToldToItsClientAndHarmsNothing) {
  // A network namespace without a single interface that is up.
  std::vector<std::string> errors;
  bool isolated = false;
  std::thread([&] {
    isolated = unshare(CLONE_NEWNET) == 0;
    const auto to_nowhere = client(ports_, *SocketAddress::parse("192.0.2.1:3478"));
    for (int i = 0; i < 3; ++i) to_nowhere->transport->send(bytes("hello"));
    run_until([&] { return to_nowhere->errors.size() >= 3; });
    errors = to_nowhere->errors;
  }).join();
  ASSERT_TRUE(isolated) << "this test makes a network namespace, which needs root";
  EXPECT_THAT(errors, ElementsAre("Network is unreachable", "Network is unreachable", "Network is unreachable"));
}

TEST_F(UdpPortsTest, WithoutFileDescriptorsTheErrorIsAValueAndOpenSocketsGoOn) {
  Server a(io_);
  Server b(io_);
  const auto to_a = client(ports_, a.address());
  const int next = open("/dev/null", O_RDONLY);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none_left{static_cast<rlim_t>(next), before.rlim_max};
  close(next);
  setrlimit(RLIMIT_NOFILE, &none_left);

  const auto second = ports_.open(a.address());
  const auto to_b = client(ports_, b.address());
  setrlimit(RLIMIT_NOFILE, &before);

  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().text(), testing::HasSubstr("Too many open files"));
  EXPECT_THAT(second.error().advice, testing::HasSubstr("open files"));
  reach(*to_b, b);
  EXPECT_TRUE(ports_.open(a.address()));
}

TEST_F(UdpPortsTest, MoreClientsOfOneServerThanPortsIsAnError) {
  UdpPorts two(io_.get_executor(), {.ports_per_family = 2, .clock = &clock_});
  Server server(io_);
  const auto first = two.open(server.address());
  const auto second = two.open(server.address());
  const auto third = two.open(server.address());
  ASSERT_TRUE(first && second);
  ASSERT_FALSE(third);
  EXPECT_THAT(third.error().message, testing::HasSubstr(server.address().to_string()));
}

TEST_F(UdpPortsTest, ACallbackMayDestroyItsClientAndThePorts) {
  Server server(io_);
  auto ports = std::make_unique<UdpPorts>(io_.get_executor());
  auto made = ports->open(server.address());
  ASSERT_TRUE(made);
  std::unique_ptr<Transport> transport = std::move(*made);
  int calls = 0;
  const std::string large(100, 'x');  // so that what the callback holds lives on the heap
  transport->start({.on_message =
                        [&, large](Bytes) {
                          transport.reset();
                          ports.reset();
                          calls += large.size() == 100 ? 1 : 0;
                        },
                    .on_unreachable = [](const PathFailure&) {}});
  transport->send(bytes("hello"));
  ASSERT_TRUE(run_until([&] { return !server.take().empty(); }));
  server.answer("one");
  server.answer("two");
  ASSERT_TRUE(run_until([&] { return calls > 0; }));
  io_.restart();
  io_.run_for(20ms);
  EXPECT_EQ(calls, 1);
}

TEST_F(UdpPortsTest, TheLastWordsOfAClientAreSentThoughEverythingIsGone) {
  Server server(io_);
  auto ports = std::make_unique<UdpPorts>(io_.get_executor());
  auto last = client(*ports, server.address());
  last->transport->send(bytes("Refresh(0)"));
  last.reset();
  ports.reset();
  // The loop does not run again.
  EXPECT_THAT(server.take(), ElementsAre("Refresh(0)"));
}

TEST_F(UdpPortsTest, WithoutClientsTheLoopEnds) {
  Server server(io_);
  auto first = client(ports_, server.address());
  reach(*first, server);
  first.reset();
  io_.restart();
  io_.run_for(2s);
  EXPECT_TRUE(io_.stopped());
  // ... and wakes up again for the next one.
  const auto second = client(ports_, server.address());
  reach(*second, server);
  server.answer("welcome");
  EXPECT_TRUE(run_until([&] { return !second->messages.empty(); }));
}

TEST_F(UdpPortsTest, OverIpv6Too) {
  Server server(io_, asio::ip::address_v6::loopback());
  const auto to_server = client(ports_, server.address());
  reach(*to_server, server);
  server.answer("six");
  ASSERT_TRUE(run_until([&] { return !to_server->messages.empty(); }));
  EXPECT_THAT(to_server->messages, ElementsAre("six"));

  auto dead = std::make_unique<Server>(io_, asio::ip::address_v6::loopback());
  const auto to_dead = client(ports_, dead->address());
  dead.reset();
  to_dead->transport->send(bytes("anybody?"));
  EXPECT_TRUE(run_until([&] { return !to_dead->errors.empty(); }));
}

TEST_F(UdpPortsTest, EchoesTakeNoMemory) {
  Server server(io_);
  auto opened = ports_.open(server.address());
  ASSERT_TRUE(opened);
  const auto transport = std::move(*opened);
  int received = 0;
  transport->start({.on_message = [&](Bytes) { ++received; }, .on_unreachable = [](const PathFailure&) {}});
  std::array<char, 64> buffer;
  const auto echo = [&] {
    const int before = received;
    transport->send(bytes("echo"));
    io_.restart();
    while (received == before) {
      io_.poll();
      boost::system::error_code nothing_yet;
      const auto size = server.socket.receive_from(asio::buffer(buffer), server.client, 0, nothing_yet);
      if (!nothing_yet) server.socket.send_to(asio::buffer(buffer, size), server.client);
    }
  };
  for (int i = 0; i < 10; ++i) echo();
  const int before = allocations;
  for (int i = 0; i < 100; ++i) echo();
  EXPECT_EQ(allocations - before, 0);
}

}  // namespace
}  // namespace turnkeeper::turn
