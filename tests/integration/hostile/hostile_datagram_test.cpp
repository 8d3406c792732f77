#include <random>

#include "hostile_fixture.hpp"
#include "turnkeeper/turn/channel_data.hpp"

namespace turnkeeper::test {
namespace {

using turn::AttributeType;
using turn::Bytes;
using turn::Message;
using turn::MessageBuilder;
using turn::MessageClass;
using turn::Method;
using Reply = HostileDatagramRelay::Reply;

// An honest relay whose answers pass through `twist`; what comes on a channel goes back.
using Twist = std::function<void(Bytes request, const Datagram& answer, const Reply& reply)>;
HostileDatagramRelay::Behaviour twisted(const std::shared_ptr<turn::ScriptedServer>& server, Twist twist) {
  return [server, twist = std::move(twist)](Bytes datagram, const Reply& reply) {
    if (turn::decode_channel_data(datagram)) return reply.send(datagram);
    if (const auto answer = server->answer(datagram)) twist(datagram, *answer, reply);
  };
}

bool has_credentials(Bytes request) {
  const auto message = Message::decode(request);
  return message && message->find(AttributeType::username);
}

class HostileDatagramTest : public HostileTest {
 protected:
  std::shared_ptr<turn::ScriptedServer> server = std::make_shared<turn::ScriptedServer>(honest());
};

TEST_F(HostileDatagramTest, TheRelayIsBelievedAsLongAsItIsHonest) {
  HostileDatagramRelay relay(
      twisted(server, [](Bytes, const Datagram& answer, const Reply& reply) { reply.send(answer); }));
  expect(probe(relay.endpoint()), Cause::none);
  relay.stop();
  EXPECT_FALSE(server->allocated);
}

TEST_F(HostileDatagramTest, GarbageIsSilence) {
  HostileDatagramRelay relay([](Bytes request, const Reply& reply) {
    std::mt19937 random(7);
    for (int i = 0; i < 50; ++i) {
      Datagram noise(random() % 1500);
      for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
      // Half of them begin like an answer to the request.
      if (i % 2 == 0 && noise.size() > turn::header_size) {
        std::copy_n(request.begin(), turn::header_size, noise.begin());
        noise[0] = 1;
        noise[1] = static_cast<std::uint8_t>(i % 4 == 0 ? 3 : 0x13);
      }
      reply.send(noise);
    }
  });
  expect(probe(relay.endpoint()), Cause::connect_timeout);
  EXPECT_LE(relay.received(), 12);
}

TEST_F(HostileDatagramTest, OversizedDatagramsAreSilence) {
  HostileDatagramRelay relay([](Bytes request, const Reply& reply) {
    Datagram huge(65'507, 0xFF);
    std::copy_n(request.begin(), turn::header_size, huge.begin());
    huge[0] = 1;
    huge[1] = 3;
    for (int i = 0; i < 20; ++i) reply.send(huge);
    huge[0] = 0x40;  // like ChannelData
    for (int i = 0; i < 20; ++i) reply.send(huge);
  });
  expect(probe(relay.endpoint()), Cause::connect_timeout);
  EXPECT_LE(relay.received(), 12);
}

TEST_F(HostileDatagramTest, AFloodThatNobodyAskedForChangesNothing) {
  HostileDatagramRelay relay(twisted(server, [](Bytes, const Datagram& answer, const Reply& reply) {
    Datagram flood(1200, 0);
    flood[0] = 0x40;
    flood[2] = 0x04;
    for (int i = 0; i < 2'000; ++i) reply.send(flood);
    for (int i = 0; i < 10; ++i) reply.send(answer);  // among what the flood left room for
  }));
  const auto result = probe(relay.endpoint(), 500ms);
  EXPECT_TRUE(result.ok || result.cause == Cause::connect_timeout || result.cause == Cause::allocate_timeout)
      << result.detail;
  EXPECT_LE(relay.received(), 40);
}

TEST_F(HostileDatagramTest, EndlessStaleNoncesAreALoopAfterOneRetry) {
  server->stale_nonces = 1'000'000;
  HostileDatagramRelay relay(
      twisted(server, [](Bytes, const Datagram& answer, const Reply& reply) { reply.send(answer); }));
  expect(probe(relay.endpoint()), Cause::stale_nonce_loop);
  EXPECT_LE(relay.received(), 3);
}

TEST_F(HostileDatagramTest, EndlessChallengesAreAnAuthenticationFailure) {
  HostileDatagramRelay relay([this, nonce = 0](Bytes request, const Reply& reply) mutable {
    const auto message = Message::decode(request);
    if (!message) return;
    server->nonce = "nonce-" + std::to_string(++nonce);
    reply.send(server->error(*message, 401, "Unauthorized", false));
  });
  expect(probe(relay.endpoint()), Cause::auth_secret);
  EXPECT_LE(relay.received(), 2);
}

TEST_F(HostileDatagramTest, ChallengesToBindingAreNotAnswered) {
  HostileDatagramRelay relay([this](Bytes request, const Reply& reply) {
    const auto message = Message::decode(request);
    if (message && message->method() == Method::binding)
      reply.send(server->error(*message, 401, "Unauthorized", false));
  });
  const auto result = probe(relay.endpoint());
  EXPECT_FALSE(result.ok);
  EXPECT_LE(relay.received(), 12);
}

// ChannelBind is answered with what was a true and signed answer before.
TEST_F(HostileDatagramTest, OldAnswersAreNotTakenForNewOnes) {
  std::vector<Datagram> said;
  HostileDatagramRelay relay(twisted(server, [&](Bytes request, const Datagram& answer, const Reply& reply) {
    if (Message::decode(request)->method() == Method::channel_bind) {
      for (const auto& old : said) reply.send(old);
      return;
    }
    said.push_back(answer);
    reply.send(answer);
  }));
  const auto result = probe(relay.endpoint());
  expect(result, Cause::connect_timeout);
  EXPECT_NE(result.detail.find("ChannelBind"), std::string::npos) << result.detail;
  relay.stop();
  EXPECT_FALSE(server->allocated);
}

TEST_F(HostileDatagramTest, RepeatedAnswersDoNoHarm) {
  std::vector<Datagram> said;
  HostileDatagramRelay relay(twisted(server, [&](Bytes, const Datagram& answer, const Reply& reply) {
    said.push_back(answer);
    for (int times = 0; times < 20; ++times) {
      for (const auto& each : said) reply.send(each);
    }
  }));
  expect(probe(relay.endpoint()), Cause::none);
  EXPECT_LE(relay.received(), 8);
}

TEST_F(HostileDatagramTest, AnswersThatAreNotSignedByTheKeyAreNamed) {
  HostileDatagramRelay relay(twisted(server, [](Bytes request, Datagram answer, const Reply& reply) {
    if (has_credentials(request)) answer.back() ^= 1;
    reply.send(answer);
  }));
  const auto result = probe(relay.endpoint());
  expect(result, Cause::protocol);
  EXPECT_NE(result.detail.find("MESSAGE-INTEGRITY"), std::string::npos) << result.detail;
  EXPECT_LE(relay.received(), 16);
}

TEST_F(HostileDatagramTest, AnswersFromAnotherAddressAreSilence) {
  HostileDatagramRelay relay(
      twisted(server, [](Bytes, const Datagram& answer, const Reply& reply) { reply.send_from_elsewhere(answer); }));
  expect(probe(relay.endpoint()), Cause::connect_timeout);
}

TEST_F(HostileDatagramTest, HugeListsOfAttributesCostLittle) {
  server->tamper = [this](const Message& request, Datagram answer) {
    if (Message::decode(answer)->message_class() == MessageClass::error) return answer;
    MessageBuilder success(request.method(), MessageClass::success, request.transaction_id());
    for (int i = 0; i < 300; ++i) success.bytes(static_cast<AttributeType>(0x9000 + i), {});
    return success.address(AttributeType::xor_relayed_address, server->relayed)
        .lifetime(request.lifetime().value_or(600s))
        .integrity(server->key())
        .finish();
  };
  HostileDatagramRelay relay(
      twisted(server, [](Bytes, const Datagram& answer, const Reply& reply) { reply.send(answer); }));
  expect(probe(relay.endpoint()), Cause::none);
}

TEST_F(HostileDatagramTest, AnUnknownRequiredAttributeIsNamed) {
  server->tamper = [this](const Message& request, Datagram answer) {
    if (Message::decode(answer)->message_class() == MessageClass::error) return answer;
    return MessageBuilder(request.method(), MessageClass::success, request.transaction_id())
        .bytes(static_cast<AttributeType>(0x7777), {})
        .integrity(server->key())
        .finish();
  };
  HostileDatagramRelay relay(
      twisted(server, [](Bytes, const Datagram& answer, const Reply& reply) { reply.send(answer); }));
  expect(probe(relay.endpoint()), Cause::protocol);
}

TEST_F(HostileDatagramTest, ALifetimeOfNothingIsNamedAndReleased) {
  server->lifetime = 0s;
  HostileDatagramRelay relay(
      twisted(server, [](Bytes, const Datagram& answer, const Reply& reply) { reply.send(answer); }));
  expect(probe(relay.endpoint()), Cause::protocol);
  relay.stop();
  EXPECT_FALSE(server->allocated);
}

TEST_F(HostileDatagramTest, ALifetimeOfACenturyIsJustALongOne) {
  server->lifetime = std::chrono::seconds(0xFFFFFFFF);
  HostileDatagramRelay relay(
      twisted(server, [](Bytes, const Datagram& answer, const Reply& reply) { reply.send(answer); }));
  expect(probe(relay.endpoint()), Cause::none);
}

TEST_F(HostileDatagramTest, ARedirectToItselfEnds) {
  HostileDatagramRelay relay([](Bytes request, const Reply& reply) {
    const auto message = Message::decode(request);
    if (!message) return;
    reply.send(MessageBuilder(message->method(), MessageClass::error, message->transaction_id())
                   .error_code(300, "Try Alternate")
                   .address(AttributeType::alternate_server, reply.own_address)
                   .finish());
  });
  expect(probe(relay.endpoint()), Cause::redirected);
  EXPECT_LE(relay.received(), 4);
}

TEST_F(HostileDatagramTest, InventedEchoesAreNotBelieved) {
  HostileDatagramRelay relay([this](Bytes datagram, const Reply& reply) {
    if (const auto data = turn::decode_channel_data(datagram)) {
      std::vector<std::uint8_t> frame(datagram.begin(), datagram.end());
      for (std::size_t i = turn::channel_header_size; i < frame.size(); ++i) frame[i] ^= 0x5A;
      return reply.send(frame);
    }
    if (const auto answer = server->answer(datagram)) reply.send(*answer);
  });
  expect(probe(relay.endpoint()), Cause::data_path);
  relay.stop();
  EXPECT_FALSE(server->allocated);
}

}  // namespace
}  // namespace turnkeeper::test
