#include "turnkeeper/turn/client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "client_fixture.hpp"

namespace turnkeeper::turn {
namespace {

TEST_F(ClientTest, AllocatesWithTheChallengeOfThe401) {
  allocate();
  const auto* allocated = find<Allocated>();
  ASSERT_NE(allocated, nullptr);
  EXPECT_EQ(allocated->relayed, server.relayed);
  EXPECT_EQ(allocated->mapped->to_string(), "198.51.100.7:40000");
  EXPECT_EQ(allocated->lifetime, 600s);
  EXPECT_TRUE(client.allocated());
  ASSERT_EQ(sent.size(), 2U);
  // The first request must not give the user name away, and the two are different transactions.
  EXPECT_FALSE(Message::decode(sent[0])->find(AttributeType::username));
  EXPECT_NE(Message::decode(sent[0])->transaction_id(), Message::decode(sent[1])->transaction_id());
}

TEST_F(ClientTest, WrongPasswordIsUnauthorizedAfterOneTry) {
  server.password = Secret("rotated");
  allocate();
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->operation, Operation::allocate);
  EXPECT_EQ(failure()->kind, Failure::Kind::unauthorized);
  EXPECT_EQ(failure()->code, 401);
  EXPECT_EQ(sent.size(), 2U);
  EXPECT_FALSE(client.needs_release());
}

TEST_F(ClientTest, AStaleNonceIsReplacedOnce) {
  server.stale_nonces = 1;
  allocate();
  EXPECT_NE(find<Allocated>(), nullptr);
  EXPECT_EQ(failure(), nullptr);
}

TEST_F(ClientTest, EndlessStaleNoncesAreAFailure) {
  server.stale_nonces = 1000;
  allocate();
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->kind, Failure::Kind::stale_nonce);
  EXPECT_EQ(sent.size(), 3U);
}

TEST_F(ClientTest, ErrorsCarryTheServersCodeAndReason) {
  server.refuse[Method::allocate] = {486, "Allocation Quota\nReached"};
  allocate();
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->kind, Failure::Kind::error_response);
  EXPECT_EQ(failure()->code, 486);
  EXPECT_EQ(failure()->reason, "Allocation Quota?Reached");  // a log line stays a line
}

TEST_F(ClientTest, ARedirectNamesTheAlternateServer) {
  server.tamper = [&](const Message& request, Datagram) {
    return MessageBuilder(Method::allocate, MessageClass::error, request.transaction_id())
        .error_code(300, "Try Alternate")
        .address(AttributeType::alternate_server, *SocketAddress::parse("203.0.113.4:3478"))
        .text(AttributeType::alternate_domain, "turn2.example.org")
        .finish();
  };
  allocate();
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->code, 300);
  EXPECT_EQ(failure()->alternate_server->to_string(), "203.0.113.4:3478");
  EXPECT_EQ(failure()->alternate_domain, "turn2.example.org");
}

TEST_F(ClientTest, RetransmitsByTheRfcAndGivesUp) {
  silent = true;
  const auto start = clock.steady();
  client.allocate(start);
  exchange();
  std::vector<std::chrono::milliseconds> at;
  while (failure() == nullptr && client.next_timeout()) {
    const auto before = sent.size();
    clock.advance(*client.next_timeout() - clock.steady());
    exchange();
    if (sent.size() > before) {
      at.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(clock.steady() - start));
    }
  }
  // RFC 8489 section 6.2.1 in units of a 100 ms RTO.
  EXPECT_EQ(at, (std::vector<std::chrono::milliseconds>{100ms, 300ms, 700ms, 1500ms, 3100ms, 6300ms}));
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->kind, Failure::Kind::timeout);
  EXPECT_FALSE(client.challenged());
  EXPECT_EQ(clock.steady() - start, 7900ms);
  for (const auto& request : sent) EXPECT_EQ(request, sent.front());
}

TEST_F(ClientTest, OverAStreamARequestIsSentOnceAndWaitedForAsLong) {
  auto reliable = config();
  reliable.reliable = true;
  reliable.retransmission = {};
  client = Client(reliable);
  silent = true;
  const auto start = clock.steady();
  allocate();
  run_for(60s);
  EXPECT_EQ(sent.size(), 1U);
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->kind, Failure::Kind::timeout);
  client = Client(reliable);
  client.allocate(start);
  EXPECT_EQ(*client.next_timeout(), start + 39500ms);  // Ti of RFC 8489 section 6.2.2
}

TEST_F(ClientTest, OverAStreamAForgedAnswerEndsTheRequest) {
  auto reliable = config();
  reliable.reliable = true;
  client = Client(reliable);
  server.tamper = [](const Message& request, Datagram answer) {
    if (request.find(AttributeType::username)) answer.back() ^= 1;
    return answer;
  };
  allocate();
  ASSERT_NE(failure(), nullptr);  // nothing would be sent again
  EXPECT_EQ(failure()->kind, Failure::Kind::malformed);
  EXPECT_EQ(client.forged(), 1);
  EXPECT_TRUE(client.needs_release());
}

TEST_F(ClientTest, ARequestThatWasAnsweredIsNotSentAgain) {
  client.allocate(clock.steady());
  const auto request = client.poll_transmit();
  ASSERT_TRUE(request);
  const auto answer = server.answer(*request);
  clock.advance(100ms);
  client.on_time(clock.steady());  // a retransmission is due ...
  (void)client.receive(*answer, clock.steady());
  const auto next = client.poll_transmit();  // ... but the answer was already in the socket
  ASSERT_TRUE(next);
  EXPECT_TRUE(Message::decode(*next)->find(AttributeType::username));
  EXPECT_FALSE(client.poll_transmit());
}

TEST_F(ClientTest, AServerThatOnlyChallengesIsToldApartFromADeadOne) {
  server.tamper = [](const Message& request, Datagram answer) {
    return request.find(AttributeType::username) ? std::nullopt : std::optional(answer);
  };
  allocate();
  run_for(20s);
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->kind, Failure::Kind::timeout);
  EXPECT_TRUE(client.challenged());
}

TEST_F(ClientTest, ForgedAnswersAreDroppedAndRemembered) {
  server.tamper = [](const Message& request, Datagram answer) {
    if (!request.find(AttributeType::username)) return std::optional(answer);
    return std::optional(MessageBuilder(Method::allocate, MessageClass::success, request.transaction_id())
                             .address(AttributeType::xor_relayed_address, *SocketAddress::parse("203.0.113.66:6"))
                             .lifetime(600s)
                             .integrity("a key that the attacker made up")
                             .finish());
  };
  allocate();
  run_for(20s);
  EXPECT_EQ(find<Allocated>(), nullptr);
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->kind, Failure::Kind::timeout);
  EXPECT_EQ(client.forged(), 7);
}

TEST_F(ClientTest, AnUnsignedSuccessIsNotBelieved) {
  server.tamper = [](const Message& request, Datagram answer) {
    if (!request.find(AttributeType::username)) return answer;
    return MessageBuilder(Method::allocate, MessageClass::success, request.transaction_id())
        .address(AttributeType::xor_relayed_address, *SocketAddress::parse("203.0.113.66:6"))
        .lifetime(600s)
        .finish();
  };
  allocate();
  EXPECT_EQ(find<Allocated>(), nullptr);
}

TEST_F(ClientTest, AnAnswerToAnotherTransactionIsIgnored) {
  server.tamper = [](const Message&, Datagram answer) {
    answer[10] ^= 1;
    return answer;
  };
  allocate();
  EXPECT_TRUE(events.empty());
}

TEST_F(ClientTest, AnAllocationWithoutItsAddressIsMalformedButReleased) {
  server.tamper = [&](const Message& request, Datagram answer) {
    if (request.method() != Method::allocate || !request.find(AttributeType::username)) return answer;
    return MessageBuilder(Method::allocate, MessageClass::success, request.transaction_id())
        .lifetime(600s)
        .integrity(server.key())
        .finish();
  };
  allocate();
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->kind, Failure::Kind::malformed);
  EXPECT_TRUE(client.needs_release());
  client.release(clock.steady());
  exchange();
  EXPECT_FALSE(server.allocated);
}

TEST_F(ClientTest, ChannelDataFlowsBothWays) {
  allocate();
  const auto channel = client.bind_channel(server.relayed, clock.steady());
  EXPECT_EQ(channel, 0x4000);
  exchange();
  ASSERT_NE(find<ChannelBound>(), nullptr);
  EXPECT_EQ(find<ChannelBound>()->channel, channel);
  EXPECT_EQ(find<ChannelBound>()->peer, server.relayed);

  const std::vector<std::uint8_t> payload{'p', 'i', 'n', 'g'};
  std::array<std::uint8_t, 32> frame{};
  const auto data = client.receive(encode_channel_data(frame, channel, payload), clock.steady());
  ASSERT_TRUE(data);
  EXPECT_EQ(data->channel, channel);
  EXPECT_TRUE(std::ranges::equal(data->payload, payload));
  EXPECT_FALSE(client.receive(encode_channel_data(frame, 0x4005, payload), clock.steady()));  // nobody bound that one
}

TEST_F(ClientTest, ADeniedPeerIsAFailureOfChannelBind) {
  server.refuse[Method::channel_bind] = {403, "Forbidden IP"};
  allocate();
  client.bind_channel(server.relayed, clock.steady());
  exchange();
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->operation, Operation::channel_bind);
  EXPECT_EQ(failure()->code, 403);
  EXPECT_TRUE(client.allocated());
}

TEST_F(ClientTest, AllocationAndChannelAreKeptAliveForHours) {
  allocate();
  client.bind_channel(server.relayed, clock.steady());
  exchange();
  server.authenticated_requests.clear();
  run_for(2h);
  EXPECT_EQ(failure(), nullptr);
  EXPECT_TRUE(client.allocated());
  const auto count = [&](Method method) { return std::ranges::count(server.authenticated_requests, method); };
  // A permission dies after 5 minutes, the allocation after 10.
  EXPECT_GE(count(Method::channel_bind), 24);
  EXPECT_LE(count(Method::channel_bind), 40);
  EXPECT_GE(count(Method::refresh), 12);
  EXPECT_LE(count(Method::refresh), 20);
}

TEST_F(ClientTest, KeepsItsAllocationWhenTheNonceGoesStale) {
  allocate();
  server.nonce = "nonce-2";
  client.refresh(clock.steady());
  exchange();
  EXPECT_NE(find<Refreshed>(), nullptr);
  EXPECT_EQ(failure(), nullptr);
}

TEST_F(ClientTest, AVanishedAllocationIsReported) {
  allocate();
  server.allocated = false;  // the relay was restarted
  run_for(10min);
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->operation, Operation::refresh);
  EXPECT_EQ(failure()->code, 437);
  EXPECT_FALSE(client.allocated());
  EXPECT_FALSE(client.next_timeout());
}

TEST_F(ClientTest, AnAllocationThatCannotBeRefreshedExpires) {
  allocate();
  silent = true;
  run_for(20min);
  EXPECT_FALSE(client.allocated());
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(std::get<Failure>(events.back()).reason, "the allocation expired before it could be refreshed");
  EXPECT_FALSE(client.next_timeout());
}

TEST_F(ClientTest, ReleaseLeavesNothingBehind) {
  allocate();
  client.bind_channel(server.relayed, clock.steady());
  exchange();
  client.release(clock.steady());
  exchange();
  EXPECT_NE(find<Released>(), nullptr);
  EXPECT_FALSE(server.allocated);
  EXPECT_FALSE(client.needs_release());
  EXPECT_FALSE(client.next_timeout());
}

TEST_F(ClientTest, ReleaseCoversAnAllocationWhoseAnswerWasLost) {
  server.tamper = [](const Message& request, Datagram answer) {
    const bool lost = request.method() == Method::allocate && request.find(AttributeType::username);
    return lost ? std::nullopt : std::optional(answer);
  };
  allocate();
  EXPECT_TRUE(server.allocated);
  EXPECT_EQ(find<Allocated>(), nullptr);
  EXPECT_TRUE(client.needs_release());
  client.release(clock.steady());
  exchange();
  EXPECT_FALSE(server.allocated);
  EXPECT_NE(find<Released>(), nullptr);
}

// coturn authenticates on several threads, so it may work on what came second first.
TEST_F(ClientTest, ReleaseCoversAnAllocationThatIsMadeAfterIt) {
  client.allocate(clock.steady());
  client.on_time(clock.steady());
  EXPECT_FALSE(client.receive(*server.answer(*client.poll_transmit()), clock.steady()));  // the challenge
  const auto allocate = client.poll_transmit();
  ASSERT_TRUE(allocate);
  const Datagram overtaken(allocate->begin(), allocate->end());
  client.release(clock.steady());
  exchange();
  EXPECT_EQ(server.authenticated_requests, std::vector{Method::refresh});
  EXPECT_EQ(find<Released>(), nullptr) << "437 says nothing yet";
  EXPECT_TRUE(client.needs_release());

  EXPECT_FALSE(client.receive(*server.answer(overtaken), clock.steady()));
  ASSERT_TRUE(server.allocated);
  exchange();
  EXPECT_FALSE(server.allocated);
  EXPECT_NE(find<Released>(), nullptr);
  EXPECT_EQ(find<Allocated>(), nullptr);
  EXPECT_FALSE(client.next_timeout());
}

TEST_F(ClientTest, ReleaseOfAnAllocationThatIsRefusedAfterItEnds) {
  client.allocate(clock.steady());
  client.on_time(clock.steady());
  EXPECT_FALSE(client.receive(*server.answer(*client.poll_transmit()), clock.steady()));
  const auto allocate = client.poll_transmit();
  const Datagram overtaken(allocate->begin(), allocate->end());
  client.release(clock.steady());
  exchange();
  EXPECT_EQ(find<Released>(), nullptr);
  server.refuse[Method::allocate] = {486, "Allocation Quota Reached"};
  EXPECT_FALSE(client.receive(*server.answer(overtaken), clock.steady()));
  exchange();
  EXPECT_NE(find<Released>(), nullptr);
  EXPECT_EQ(failure(), nullptr);
}

TEST_F(ClientTest, ReleaseOfNothingIsDoneAtOnce) {
  silent = true;
  allocate();
  client.release(clock.steady());
  exchange();
  EXPECT_NE(find<Released>(), nullptr);
  EXPECT_EQ(sent.size(), 1U);
  EXPECT_FALSE(client.next_timeout());
}

TEST_F(ClientTest, ReleaseSurvivesAStaleNonceAndAnAllocationThatIsGone) {
  allocate();
  server.nonce = "nonce-2";
  server.allocated = false;
  client.release(clock.steady());
  exchange();
  EXPECT_NE(find<Released>(), nullptr);
  EXPECT_EQ(failure(), nullptr);
}

TEST_F(ClientTest, BindingTellsTheMappedAddressWhileAllocateIsSilent) {
  server.tamper = [](const Message& request, Datagram answer) {
    return request.method() == Method::binding ? std::optional(answer) : std::nullopt;
  };
  allocate();
  client.binding(clock.steady());
  exchange();
  ASSERT_NE(find<BindingAnswered>(), nullptr);
  EXPECT_EQ(find<BindingAnswered>()->mapped.to_string(), "198.51.100.7:40000");
}

TEST_F(ClientTest, ABindingThatIsChallengedIsNotRepeatedWithoutEnd) {
  server.tamper = [&](const Message& request, Datagram) { return server.error(request, 401, "Unauthorized", false); };
  client.binding(clock.steady());
  for (int i = 0; i < 10; ++i) exchange();
  EXPECT_EQ(sent.size(), 1U);
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->operation, Operation::binding);
  EXPECT_EQ(failure()->code, 401);
}

TEST_F(ClientTest, AnAbsurdChallengeIsMalformed) {
  for (const auto& [realm, nonce] :
       {std::pair(std::string(), std::string("n")), std::pair(std::string("r"), std::string(2000, 'n'))}) {
    client = Client(config());
    events.clear();
    server.tamper = [&](const Message& request, Datagram) {
      return MessageBuilder(Method::allocate, MessageClass::error, request.transaction_id())
          .error_code(401, "Unauthorized")
          .text(AttributeType::realm, realm)
          .text(AttributeType::nonce, nonce)
          .finish();
    };
    allocate();
    ASSERT_NE(failure(), nullptr);
    EXPECT_EQ(failure()->kind, Failure::Kind::malformed);
  }
}

// Any order of calls, time, honest answers, damaged answers and noise: the client neither crashes nor talks without
// end, and a release always comes to an end.
TEST_F(ClientTest, SurvivesArbitraryCallsBytesAndTime) {
  std::mt19937 random(20260801);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  int allocations = 0;
  for (int life = 0; life < 3'000; ++life) {
    client = Client(config());
    server = ScriptedServer();
    server.stale_nonces = below(4) == 0 ? static_cast<int>(below(4)) : 0;
    server.lifetime = std::chrono::seconds(below(3) == 0 ? below(5) : 600);
    std::vector<Datagram> heard;
    events.clear();
    for (int step = 0; step < 60; ++step) {
      const auto now = clock.steady();
      switch (below(12)) {
        case 0:
        case 1:
          client.allocate(now);
          break;
        case 2:
          client.bind_channel(server.relayed, now);
          break;
        case 3:
          client.binding(now);
          break;
        case 4:
          client.refresh(now);
          break;
        case 5:
          if (below(8) == 0) client.release(now);
          break;
        case 6: {
          Datagram noise(below(80));
          for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
          (void)client.receive(noise, now);
          break;
        }
        case 7:
          if (!heard.empty()) (void)client.receive(heard[below(static_cast<unsigned>(heard.size()))], now);
          break;
        case 8:
          clock.advance(std::chrono::milliseconds(below(100'000)));
          client.on_time(clock.steady());
          break;
        default:
          break;
      }
      int talk = 0;
      while (const auto request = client.poll_transmit()) {
        ASSERT_LT(++talk, 100) << "endless conversation";
        auto answer = server.answer(*request);
        if (!answer || below(5) == 0) continue;
        heard.push_back(*answer);
        if (below(4) == 0)
          (*answer)[below(static_cast<unsigned>(answer->size()))] ^= static_cast<std::uint8_t>(random());
        (void)client.receive(*answer, clock.steady());
      }
      while (const auto event = client.poll_event()) {
        if (std::holds_alternative<Allocated>(*event)) ++allocations;
      }
    }
    client.release(clock.steady());
    for (int i = 0; client.next_timeout(); ++i) {
      ASSERT_LT(i, 50) << "a release that never ends";
      if (*client.next_timeout() > clock.steady()) clock.advance(*client.next_timeout() - clock.steady());
      exchange();
    }
    ASSERT_FALSE(client.needs_release());
  }
  EXPECT_GT(allocations, 500);  // or the test did not get far
}

}  // namespace
}  // namespace turnkeeper::turn
